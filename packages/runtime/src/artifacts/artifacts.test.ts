import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Problem } from "@sluice/core/problems/problem";
import { Header } from "tar";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sha256File } from "../digests/sha256.ts";
import { linkStaysInside } from "./entry-rules.ts";
import { packFolder } from "./pack-folder.ts";
import { isUnpacked, unpackArtifact } from "./unpack-artifact.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-artifact-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function makeSite(name: string): string {
  const site = join(dir, name);
  mkdirSync(join(site, "node_modules/.bin"), { recursive: true });
  mkdirSync(join(site, "empty"));
  writeFileSync(join(site, "server.js"), "console.log('shop')\n");
  writeFileSync(join(site, "@odd ü name.txt"), "x".repeat(100_000));
  writeFileSync(join(site, "node_modules/run.sh"), "#!/bin/sh\n", { mode: 0o755 });
  symlinkSync("../run.sh", join(site, "node_modules/.bin/run"));
  return site;
}

interface Item {
  readonly path: string;
  readonly type?: "File" | "SymbolicLink" | "Link" | "CharacterDevice" | "BlockDevice" | "FIFO" | "Directory";
  readonly linkpath?: string;
  readonly text?: string;
}

/** A tarball as no honest packer makes it. */
async function makeTarball(items: readonly Item[]): Promise<{ file: string; digest: string }> {
  const blocks = items.flatMap(({ path, type = "File", linkpath, text = "" }) => {
    const body = Buffer.from(text);
    const header = new Header({
      path,
      type,
      mode: 0o4777,
      size: body.length,
      ...(linkpath === undefined ? {} : { linkpath }),
    });
    const block = Buffer.alloc(512);
    header.encode(block);
    return [block, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  const file = join(dir, "crafted.tgz");
  writeFileSync(file, gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)])));
  return { file, digest: await sha256File(file) };
}

async function reasonOf(unpacking: Promise<void>): Promise<string> {
  const error = await unpacking.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof Problem ? error.reason : `no problem but ${String(error)}`;
}

test("what was packed comes out again, with links, execute permission and empty folders", async () => {
  const { digest, file } = await packFolder(makeSite("a"), join(dir, "a.tgz"));
  const dest = join(dir, "releases/a");
  await unpackArtifact(file, digest, dest);
  expect(readFileSync(join(dest, "server.js"), "utf8")).toBe("console.log('shop')\n");
  expect(readFileSync(join(dest, "@odd ü name.txt")).length).toBe(100_000);
  expect(readFileSync(join(dest, "node_modules/.bin/run"), "utf8")).toBe("#!/bin/sh\n");
  expect(lstatSync(join(dest, "node_modules/run.sh")).mode & 0o777).toBe(0o755);
  expect(lstatSync(join(dest, "empty")).isDirectory()).toBe(true);
  expect(await isUnpacked(dest, digest)).toBe(true);
  expect(readdirSync(join(dir, "releases"))).toEqual(["a"]);
});

test("equal content gives equal digests whatever the times, permissions and order of creation", async () => {
  const one = await packFolder(makeSite("a"), join(dir, "a.tgz"));
  const other = makeSite("b");
  rmSync(join(other, "server.js"));
  writeFileSync(join(other, "server.js"), "console.log('shop')\n");
  chmodSync(join(other, "server.js"), 0o660);
  utimesSync(join(other, "server.js"), 1, 1);
  const two = await packFolder(other, join(dir, "b.tgz"));
  expect(two.digest).toBe(one.digest);
  writeFileSync(join(other, "server.js"), "console.log('shoq')\n");
  expect((await packFolder(other, join(dir, "c.tgz"))).digest).not.toBe(one.digest);
});

test("packing an unpacked artifact gives the artifact again", async () => {
  const { digest, file } = await packFolder(makeSite("a"), join(dir, "a.tgz"));
  await unpackArtifact(file, digest, join(dir, "out"));
  expect((await packFolder(join(dir, "out"), join(dir, "again.tgz"))).digest).toBe(digest);
});

test("a link that leads outside is refused before it is packed", async () => {
  const site = makeSite("a");
  symlinkSync("../../etc/passwd", join(site, "leak"));
  await expect(packFolder(site, join(dir, "a.tgz"))).rejects.toMatchObject({ reason: "release-invalid" });
  expect(readdirSync(dir)).toEqual(["a"]);
});

test("another digest than the expected one is refused before anything is written", async () => {
  const { file } = await packFolder(makeSite("a"), join(dir, "a.tgz"));
  expect(await reasonOf(unpackArtifact(file, `sha256:${"0".repeat(64)}`, join(dir, "out")))).toBe(
    "artifact-digest-mismatch",
  );
  expect(existsSync(join(dir, "out"))).toBe(false);
});

test("a tarball cut off anywhere is refused as truncated", async () => {
  const { file } = await packFolder(makeSite("a"), join(dir, "a.tgz"));
  const whole = readFileSync(file);
  for (const share of [0, 0.1, 0.5, 0.9]) {
    const cut = join(dir, `cut-${share}.tgz`);
    writeFileSync(cut, whole.subarray(0, Math.floor(whole.length * share)));
    expect(await reasonOf(unpackArtifact(cut, await sha256File(cut), join(dir, "out")))).toBe("artifact-truncated");
  }
  writeFileSync(join(dir, "cut.tgz"), whole.subarray(0, whole.length - 1));
  expect(
    await reasonOf(unpackArtifact(join(dir, "cut.tgz"), await sha256File(join(dir, "cut.tgz")), join(dir, "out"))),
  ).toBe("artifact-truncated");
  expect(existsSync(join(dir, "out"))).toBe(false);
});

const escapes: readonly (readonly [string, readonly Item[]])[] = [
  ["a path that climbs out", [{ path: "../evil", text: "x" }]],
  ["a path that climbs out in the middle", [{ path: "a/../../evil", text: "x" }]],
  ["an absolute path", [{ path: "/tmp/evil", text: "x" }]],
  ["a link to an absolute path", [{ path: "l", type: "SymbolicLink", linkpath: "/etc/passwd" }]],
  ["a link that climbs out", [{ path: "a/l", type: "SymbolicLink", linkpath: "../../etc" }]],
  [
    "a chain of links that climbs out only when followed",
    [
      { path: "x/y/s", type: "SymbolicLink", linkpath: "." },
      { path: "x/y/l", type: "SymbolicLink", linkpath: "s/../../.." },
    ],
  ],
  ["a hard link that leads outside", [{ path: "h", type: "Link", linkpath: "../../etc/passwd" }]],
  ["a hard link to an absolute path", [{ path: "h", type: "Link", linkpath: "/etc/passwd" }]],
  [
    "a file behind a link",
    [
      { path: "real", type: "Directory" },
      { path: "l", type: "SymbolicLink", linkpath: "real" },
      { path: "l/file", text: "x" },
    ],
  ],
  ["a character device", [{ path: "null", type: "CharacterDevice" }]],
  ["a block device", [{ path: "disk", type: "BlockDevice" }]],
  ["a named pipe", [{ path: "pipe", type: "FIFO" }]],
];

test.each(escapes)("%s is refused and leaves nothing behind", async (_what, items) => {
  const { file, digest } = await makeTarball([{ path: "fine", text: "fine" }, ...items]);
  expect(await reasonOf(unpackArtifact(file, digest, join(dir, "out/release")))).toBe("artifact-path-escape");
  expect(existsSync(join(dir, "out/release"))).toBe(false);
  expect(existsSync(join(dir, "evil"))).toBe(false);
});

test("the mark of completeness comes from us, never from the tarball; nor do set-user-id bits", async () => {
  const { file, digest } = await makeTarball([
    { path: ".complete", text: "lie" },
    { path: "tool", text: "x" },
  ]);
  await unpackArtifact(file, digest, join(dir, "out"));
  expect(readFileSync(join(dir, "out/.complete"), "utf8")).toBe(`${digest}\n`);
  expect(lstatSync(join(dir, "out/tool")).mode & 0o7777).toBe(0o755);
});

test("more than the limits is refused before it fills the disk", async () => {
  const { file, digest } = await packFolder(makeSite("a"), join(dir, "a.tgz"));
  const out = join(dir, "out");
  expect(await reasonOf(unpackArtifact(file, digest, out, { bytesMax: 1000, entriesMax: 100 }))).toBe(
    "release-invalid",
  );
  expect(await reasonOf(unpackArtifact(file, digest, out, { bytesMax: 1e9, entriesMax: 3 }))).toBe("release-invalid");
});

test("two orders for one folder at once both succeed", async () => {
  const { file, digest } = await packFolder(makeSite("a"), join(dir, "a.tgz"));
  await Promise.all([1, 2, 3].map(() => unpackArtifact(file, digest, join(dir, "out"))));
  expect(await isUnpacked(join(dir, "out"), digest)).toBe(true);
});

test("a killed unpacking leaves nothing that looks complete, and the next one clears up after it", async () => {
  const site = makeSite("big");
  for (let at = 0; at < 800; at += 1) writeFileSync(join(site, `file-${at}`), "y".repeat(2000));
  const { file, digest } = await packFolder(site, join(dir, "big.tgz"));
  const dest = join(dir, "out/release");
  const script = `const { unpackArtifact } = await import(${JSON.stringify(import.meta.resolve("./unpack-artifact.ts"))});
    await unpackArtifact(${JSON.stringify(file)}, ${JSON.stringify(digest)}, ${JSON.stringify(dest)});`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "ignore" });
  const exited = once(child, "exit");
  const temporary = `${dest}.unpacking-${child.pid}`;
  while (child.exitCode === null && !(existsSync(temporary) && readdirSync(temporary).length > 20)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  child.kill("SIGKILL");
  await exited;
  expect(child.signalCode).toBe("SIGKILL");
  expect(await isUnpacked(dest, digest)).toBe(false);
  expect(existsSync(temporary)).toBe(true);
  await unpackArtifact(file, digest, dest);
  expect(await isUnpacked(dest, digest)).toBe(true);
  expect(readdirSync(join(dir, "out"))).toEqual(["release"]);
});

test.each([
  ["a/b", "../c", true],
  ["a/b", "../../c", false],
  ["b", "..", false],
  ["b", "a/b/c", true],
  ["a/b", "c/../d", false],
  ["./a/b", "../../c", false],
  ["a//b", "../../c", false],
  ["a", "", false],
])("a link at %s to %s stays inside: %s", (path, target, stays) => {
  expect(linkStaysInside(path, target)).toBe(stays);
});
