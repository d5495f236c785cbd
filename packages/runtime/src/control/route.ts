import { Problem } from "@sluice/core/problems/problem";
import { type DocumentSchema, describeIssues } from "../files/read-document.ts";

export type Method = "GET" | "PUT" | "POST" | "DELETE";

export interface ControlRequest<Body> {
  /** Values of the `:name` parts of the route's path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Body;
  /** Aborts when the client has gone or the server stops: end long polls and streams then. */
  readonly signal: AbortSignal;
}

export interface Route<Body> {
  readonly method: Method;
  /** `/children/:id/wait`; a `:name` matches one part. */
  readonly path: string;
  /** Shape of the body; a route without one is handed `undefined` and ignores what was sent. */
  readonly body?: DocumentSchema<Body>;
  /** The answer's JSON, or {@link Streamed}. Throw a `Problem` to answer with its status. */
  handle(request: ControlRequest<Body>): unknown;
}

export type AnyRoute = Route<unknown>;

/** Ties the type of a route's handler to its schema, then forgets it so that routes of all kinds fit one list. */
export function route<Body = undefined>(of: Route<Body>): AnyRoute {
  return of as unknown as AnyRoute;
}

/** An answer without end: one JSON value a line. */
export class Streamed {
  readonly lines: AsyncIterable<unknown>;

  constructor(lines: AsyncIterable<unknown>) {
    this.lines = lines;
  }
}

interface Found {
  readonly route: AnyRoute;
  readonly params: Readonly<Record<string, string>>;
}

/** The route that is meant; throws `route-unknown` when there is none. */
export function findRoute(routes: readonly AnyRoute[], method: string, path: string): Found {
  for (const candidate of routes) {
    if (candidate.method !== method) continue;
    const params = matchPath(candidate.path, path);
    if (params !== undefined) return { route: candidate, params };
  }
  throw new Problem("route-unknown", `cannot answer ${method} ${path}: there is no such route`);
}

function matchPath(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const value = given[at] ?? "";
    if (part.startsWith(":") && value !== "") params[part.slice(1)] = decode(value);
    else if (part !== value) return undefined;
  }
  return params;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The checked body; an empty one counts as `{}`. Throws `message-invalid` naming everything that is wrong. */
export function parseBody(of: AnyRoute, bytes: Buffer): unknown {
  if (of.body === undefined) return undefined;
  const what = `${of.method} ${of.path}`;
  let value: unknown;
  try {
    value = bytes.length === 0 ? {} : JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new Problem("message-invalid", `cannot read the body of ${what}: it is not JSON`, { cause: error });
  }
  const parsed = of.body.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Problem("message-invalid", `cannot accept the body of ${what}: ${describeIssues(parsed.error.issues)}`);
}
