import { mkdir, mkdtempDisposable, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { unpackArtifact } from "@sluice/runtime/artifacts/unpack-artifact";
import { expect, test } from "vitest";
import { packRelease } from "./pack-release.ts";

async function put(folder: string, name: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), text);
}

/** As npm leaves a workspace: what is required by name is a link to a package beside. */
async function workspace(top: string, target = "../../packages/core"): Promise<string> {
  const folder = join(top, "sluice");
  await put(folder, "packages/core/index.js", "export {};");
  await put(folder, "node_modules/left-pad/index.js", "left");
  await mkdir(join(folder, "node_modules/@sluice"));
  await symlink(target, join(folder, "node_modules/@sluice/core"));
  return folder;
}

test("an installation with the links of its workspace is packed so that a host can unpack it, each file once", async () => {
  await using top = await mkdtempDisposable(join(tmpdir(), "sl-pack-"));
  const folder = await workspace(top.path);
  const { tarball, digest } = await packRelease(folder);
  const file = join(top.path, "sluice.tgz");
  const unpacked = join(top.path, "unpacked");
  await writeFile(file, tarball);
  await unpackArtifact(file, digest, unpacked);
  expect(await readlink(join(unpacked, "node_modules/@sluice/core"))).toBe("../../packages/core");
  expect(await readFile(join(unpacked, "node_modules/@sluice/core/index.js"), "utf8")).toBe("export {};");
  expect((await packRelease(folder)).digest).toBe(digest);
});

test("a link that leads out of the folder is refused where it is packed, and named", async () => {
  await using top = await mkdtempDisposable(join(tmpdir(), "sl-pack-"));
  const folder = await workspace(top.path, "../../../elsewhere");
  await expect(packRelease(folder)).rejects.toThrow("cannot pack 'node_modules/@sluice/core' of folder");
});
