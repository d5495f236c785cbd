import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hexOfDigest, sha256File, sha256Stream, sha256Text } from "./sha256.ts";

/** FIPS 180-2, appendix B.1. */
const ofAbc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

test("text, stream and file of the same bytes have the same digest", async () => {
  const dir = mkdtempSync(join(tmpdir(), "sluice-digest-"));
  writeFileSync(join(dir, "abc"), "abc");
  expect(sha256Text("abc")).toBe(ofAbc);
  expect(
    await sha256Stream(
      (async function* () {
        yield Buffer.from("a");
        yield Buffer.from("bc");
      })(),
    ),
  ).toBe(ofAbc);
  expect(await sha256File(join(dir, "abc"))).toBe(ofAbc);
  rmSync(dir, { recursive: true });
});

test("only a sha256 digest has hex digits", () => {
  expect(hexOfDigest(ofAbc)).toBe(ofAbc.slice(7));
  for (const bad of ["", "sha256:", "sha256:../..", `md5:${"0".repeat(64)}`, `${ofAbc}0`])
    expect(hexOfDigest(bad)).toBeUndefined();
});
