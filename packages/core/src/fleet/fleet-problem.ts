/** One thing that is wrong with a fleet file, where a person finds it. */
export interface FleetProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units as editors count. */
  readonly column: number;
  /** `sites.shop.bindings.production[1].port`; empty for the file as a whole. */
  readonly path: string;
  /** What was found and what was wanted. */
  readonly sentence: string;
  /** What to write instead. */
  readonly hint?: string;
}

/** Keys and list indices from the top of the file. */
export type FleetPath = readonly (string | number)[];

/** `["sites", "shop", "bindings", "production", 1]` → `sites.shop.bindings.production[1]`. */
export function formatPath(path: FleetPath): string {
  return path.reduce<string>((text, segment) => {
    if (typeof segment === "number") return `${text}[${segment}]`;
    const key = /^[\w-]+$/.test(segment) ? segment : JSON.stringify(segment);
    return text === "" ? key : `${text}.${key}`;
  }, "");
}
