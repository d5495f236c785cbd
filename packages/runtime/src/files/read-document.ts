import { readFile } from "node:fs/promises";

/** As much of a zod schema as is needed, so that programs without zod can bring their own. */
export interface DocumentSchema<T> {
  safeParse(
    value: unknown,
  ):
    | { readonly success: true; readonly data: T }
    | { readonly success: false; readonly error: { readonly issues: readonly SchemaIssue[] } };
}

export interface SchemaIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

export type ReadDocument<T> =
  | { readonly kind: "absent" }
  | { readonly kind: "ok"; readonly document: T }
  /** Unreadable, not JSON, or of another shape; `why` is one sentence. The caller decides what that costs. */
  | { readonly kind: "corrupt"; readonly why: string };

/** Reads a JSON document and checks its shape. Never throws, whatever is at `path`. */
export async function readDocument<T>(path: string, schema: DocumentSchema<T>): Promise<ReadDocument<T>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { kind: "absent" };
    return { kind: "corrupt", why: `cannot read file '${path}': ${messageOf(error)}` };
  }
  return parseDocument(path, text, schema);
}

function parseDocument<T>(path: string, text: string, schema: DocumentSchema<T>): ReadDocument<T> {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    if (parsed.success) return { kind: "ok", document: parsed.data };
    return { kind: "corrupt", why: `cannot use file '${path}': ${describeIssues(parsed.error.issues)}` };
  } catch (error) {
    return { kind: "corrupt", why: `cannot use file '${path}': ${messageOf(error)}` };
  }
}

/** All that is wrong with a value, in one line: `children.0.pid: expected number; sockets: required`. */
export function describeIssues(issues: readonly SchemaIssue[]): string {
  return issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`))
    .join("; ");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
