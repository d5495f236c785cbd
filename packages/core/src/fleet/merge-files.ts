import type { FleetPath, FleetProblem } from "./fleet-problem.ts";
import type { Located, Place } from "./read-yaml.ts";

/** Maps whose entries may be spread over several files; every other key belongs to one file. */
const spreadable: ReadonlySet<string> = new Set(["sites", "hosts", "certificates"]);

export interface Merged {
  readonly root: Located;
  readonly problems: readonly FleetProblem[];
  /** True when a file could not be joined, so that what is missing may be in it. */
  readonly partial: boolean;
}

/** Joins the files of a folder into one tree; what two files both say is a problem, never a silent choice. */
export function mergeFiles(roots: readonly Located[], top: Place): Merged {
  const problems: FleetProblem[] = [];
  let partial = false;
  const children = new Map<string, Located>();
  for (const root of roots) {
    if (root.children === undefined || Array.isArray(root.value)) {
      partial = true;
      problems.push({
        ...root.at,
        path: "",
        sentence: "the file is not a map, wanted keys such as fleet, environments and sites",
      });
      continue;
    }
    for (const [key, child] of root.children) {
      const earlier = children.get(key);
      children.set(key, earlier === undefined ? child : joined(key, earlier, child, problems));
    }
  }
  return { root: { value: plainOf(children), at: roots[0]?.at ?? top, children }, problems, partial };
}

function joined(key: string, earlier: Located, later: Located, problems: FleetProblem[]): Located {
  if (!spreadable.has(key) || !isMapping(earlier) || !isMapping(later)) {
    problems.push(said(later, key, earlier));
    return earlier;
  }
  const children = new Map(earlier.children);
  for (const [name, entry] of later.children ?? []) {
    const before = children.get(name);
    if (before === undefined) children.set(name, entry);
    else problems.push(said(entry, `${key}.${name}`, before));
  }
  return { ...earlier, value: plainOf(children), children };
}

const isMapping = (located: Located): boolean => located.children !== undefined && !Array.isArray(located.value);

function said(later: Located, path: string, earlier: Located): FleetProblem {
  const place = earlier.keyAt ?? earlier.at;
  return {
    ...(later.keyAt ?? later.at),
    path,
    sentence: `'${path}' is also in ${place.file}:${place.line}; keep one of them`,
  };
}

const plainOf = (children: ReadonlyMap<string, Located>): unknown =>
  Object.fromEntries([...children].map(([key, child]) => [key, child.value]));

/** The nearest thing that exists: the value at `path`, else what it would be in. */
export function locate(root: Located, path: FleetPath): { readonly found: Located; readonly complete: boolean } {
  let found = root;
  for (const segment of path) {
    const child = found.children?.get(String(segment));
    if (child === undefined) return { found, complete: false };
    found = child;
  }
  return { found, complete: true };
}
