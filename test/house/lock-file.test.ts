import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly resolved?: string;
}

const lockFile = new URL("../../package-lock.json", import.meta.url);
const { packages }: { readonly packages: Readonly<Record<string, LockedPackage>> } = JSON.parse(
  await readFile(lockFile, "utf8"),
);

test("every optional package is locked, those of other platforms too, so that npm ci works on all of them", () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`${path}/node_modules/${name}` in packages) && !(`node_modules/${name}` in packages),
    ),
  );
  expect(missing).toEqual([]);
});

test("the lock file names packages, never where they were downloaded from", () => {
  const addresses = Object.values(packages).flatMap(({ resolved }) => (resolved?.startsWith("http") ? [resolved] : []));
  expect(addresses).toEqual([]);
});
