import { posix } from "node:path";

/** What a tarball says of one entry, before anything is written. */
export interface Entry {
  readonly path: string;
  readonly type: string;
  readonly linkpath: string | undefined;
}

const ordinary = new Set(["File", "OldFile", "ContiguousFile", "Directory"]);

/** Why an entry may not be unpacked; undefined when it may. */
export function whyEntryEscapes({ path, type, linkpath = "" }: Entry): string | undefined {
  if (!pathStaysInside(path)) return "its path leads outside";
  if (ordinary.has(type)) return undefined;
  if (type === "SymbolicLink")
    return linkStaysInside(path, linkpath) ? undefined : `it is a link that may lead outside: ${linkpath}`;
  if (type === "Link")
    return pathStaysInside(linkpath) ? undefined : `it is a hard link that leads outside: ${linkpath}`;
  return `it is of type ${type}`;
}

function pathStaysInside(path: string): boolean {
  return path !== "" && !path.startsWith("/") && !/[\0\\]/.test(path) && !path.split("/").includes("..");
}

/**
 * Whether a symbolic link at `path` can only ever lead inside. `..` may stand at the start of its target only: after a name, it
 * would step up from wherever that name, perhaps a link itself, leads to. With that, each step of a chain of links stays inside
 * because its own link does (entries are never written through links, so the folder of a link is where its path says).
 */
export function linkStaysInside(path: string, target: string): boolean {
  if (target === "" || target.startsWith("/") || /[\0\\]/.test(target)) return false;
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  const ups = parts.findIndex((part) => part !== "..");
  const climbs = ups === -1 ? parts.length : ups;
  if (parts.slice(climbs).includes("..")) return false;
  return (
    climbs <=
    posix
      .normalize(path)
      .split("/")
      .filter((part) => part !== "" && part !== ".").length -
      1
  );
}
