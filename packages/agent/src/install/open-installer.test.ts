import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { defaultProxyLimits, proxyUnit, seconds, siteUnit, type UnitRelease } from "@sluice/core";
import { sha256File } from "@sluice/runtime";
import { packFolder } from "@sluice/runtime/artifacts/pack-folder";
import { Header } from "tar";
import { expect, onTestFinished, test } from "vitest";
import type { KeeperStatus } from "../keeper/keeper-api.ts";
import { releaseOf } from "../slots/testing/builders.ts";
import type { FetchArtifact } from "./artifact-store.ts";
import { type HostInstaller, openInstaller } from "./open-installer.ts";
import { artifactOf, hexOf, releaseFolder } from "./site-content.ts";

const never = new AbortController().signal;

interface Fixture {
  readonly dataDir: string;
  readonly installer: HostInstaller;
  /** Digest of a packed folder that holds `index.js` with this text; from now on it can be fetched. */
  pack(text: string): Promise<string>;
  /** Puts these bytes behind a digest of their own. */
  offer(bytes: Buffer): Promise<string>;
  readonly fetched: string[];
  /** Folders that processes run in. */
  readonly running: string[];
  /** What the coordinator does when asked for an artifact, instead of sending it. */
  instead: FetchArtifact | undefined;
  reopen(): HostInstaller;
}

async function fixture(): Promise<Fixture> {
  const top = await mkdtemp(join(tmpdir(), "sluice-install-"));
  onTestFinished(() => rm(top, { recursive: true, force: true }));
  const dataDir = join(top, "data");
  const offered = new Map<string, string>();
  const fetched: string[] = [];
  const running: string[] = [];
  let count = 0;
  const fetchArtifact: FetchArtifact = async (digest, toFile, signal) => {
    fetched.push(digest);
    if (own.instead !== undefined) return own.instead(digest, toFile, signal);
    await copyFile(offered.get(digest) ?? "/nowhere", toFile);
  };
  const keeper = {
    status: async () => ({ children: running.map((cwd) => ({ cwd })) }) as unknown as KeeperStatus,
  };
  const reopen = () => openInstaller({ dataDir, fetchArtifact, keeper });
  const own: Fixture = {
    dataDir,
    installer: reopen(),
    fetched,
    running,
    instead: undefined,
    reopen,
    async pack(text) {
      count += 1;
      const folder = join(top, `folder-${count}`);
      await mkdir(folder);
      await writeFile(join(folder, "index.js"), text);
      const { file, digest } = await packFolder(folder, `${folder}.tgz`);
      offered.set(digest, file);
      return digest;
    },
    async offer(bytes) {
      count += 1;
      const file = join(top, `offered-${count}`);
      await writeFile(file, bytes);
      const digest = await sha256File(file);
      offered.set(digest, file);
      return digest;
    },
  };
  return own;
}

const siteRelease = (version: string, artifact: string): UnitRelease =>
  releaseOf(siteUnit("shop"), version, {
    site: "shop",
    artifact,
    run: { driver: "process", command: ["node", "index.js"], env: { VERSION: version } },
    ready: { path: "/", withinMs: seconds(10) },
  });

const proxyRelease = releaseOf(proxyUnit("shop"), "settings", {
  site: "shop",
  engine: "node",
  listeners: [],
  behindFront: false,
  bindings: [],
  forward: { host: "preserve", internalName: "shop.internal" },
  limits: defaultProxyLimits,
});

/** Everything below the data folder, by name. */
const everything = async (dataDir: string) =>
  existsSync(dataDir) ? (await readdir(dataDir, { recursive: true })).sort() : [];

test("a site release is downloaded, verified, unpacked, and still there for a later agent without its coordinator", async () => {
  const { installer, reopen, pack, fetched, dataDir } = await fixture();
  const artifact = await pack("hello");
  const release = siteRelease("1", artifact);
  await installer.ensureInstalled(release, never);
  expect(await readFile(join(releaseFolder(dataDir, artifact), "index.js"), "utf8")).toBe("hello");
  expect(await installer.installed()).toEqual([release.digest]);
  const later = reopen();
  expect(await later.installed()).toEqual([release.digest]);
  await later.ensureInstalled(release, never);
  expect(fetched).toEqual([artifact]);
});

test("a release of a proxy is recorded", async () => {
  const { installer, reopen } = await fixture();
  await installer.ensureInstalled(proxyRelease, never);
  expect(await reopen().installed()).toEqual([proxyRelease.digest]);
});

test("releases that differ in settings share one artifact, and calls at once share one download", async () => {
  const { installer, pack, fetched } = await fixture();
  const artifact = await pack("hello");
  const releases = ["1", "2", "3"].map((version) => siteRelease(version, artifact));
  await Promise.all([...releases, ...releases].map((release) => installer.ensureInstalled(release, never)));
  expect(fetched).toEqual([artifact]);
  expect([...(await installer.installed())].sort()).toEqual(releases.map(({ digest }) => digest).sort());
});

test("who gives up stops waiting, the download goes on for the others and ends with the last one", async () => {
  const own = await fixture();
  const { installer, pack } = own;
  const release = siteRelease("1", await pack("hello"));
  const ended = Promise.withResolvers<unknown>();
  const begun = Promise.withResolvers<void>();
  own.instead = (_, toFile, signal) =>
    new Promise((_resolve, reject) => {
      void writeFile(toFile, "half").then(() => begun.resolve());
      signal.addEventListener("abort", () => {
        ended.resolve("ended");
        reject(signal.reason);
      });
    });
  const [first, second] = [new AbortController(), new AbortController()];
  const waiting = [first, second].map(({ signal }) => installer.ensureInstalled(release, signal));
  const outcomes = waiting.map((each) => each.catch((error: Error) => error.message));
  await begun.promise;
  first.abort(new Error("first gave up"));
  expect(await outcomes[0]).toBe("first gave up");
  expect(await Promise.race([ended.promise, Promise.resolve("goes on")])).toBe("goes on");
  second.abort(new Error("second gave up"));
  expect(await outcomes[1]).toBe("second gave up");
  expect(await ended.promise).toBe("ended");
  own.instead = undefined;
  await installer.ensureInstalled(release, never);
  expect(await installer.installed()).toEqual([release.digest]);
});

test("a download with other bytes is refused and leaves nothing", async () => {
  const own = await fixture();
  const release = siteRelease("1", await own.pack("hello"));
  own.instead = (_, toFile) => writeFile(toFile, "something else");
  await expect(own.installer.ensureInstalled(release, never)).rejects.toMatchObject({
    reason: "artifact-digest-mismatch",
  });
  expect(await own.installer.installed()).toEqual([]);
  expect(await everything(own.dataDir)).toEqual(["artifacts"]);
});

test("a full disk is named as such and leaves nothing", async () => {
  const own = await fixture();
  const release = siteRelease("1", await own.pack("hello"));
  own.instead = () => writeFile("/dev/full", "hello");
  await expect(own.installer.ensureInstalled(release, never)).rejects.toMatchObject({ reason: "disk-full" });
  expect(await everything(own.dataDir)).toEqual(["artifacts"]);
  own.instead = undefined;
  await own.installer.ensureInstalled(release, never);
});

test("what the coordinator says when it has no artifact is passed on as the cause", async () => {
  const own = await fixture();
  const release = siteRelease("1", await own.pack("hello"));
  own.instead = () => Promise.reject(new Error("the stream broke"));
  await expect(own.installer.ensureInstalled(release, never)).rejects.toMatchObject({
    reason: "internal",
    cause: expect.objectContaining({ message: "the stream broke" }),
  });
});

function tarball(
  entries: readonly {
    readonly path: string;
    readonly type?: string;
    readonly linkpath?: string;
    readonly body?: string;
  }[],
): Buffer {
  const blocks = entries.flatMap(({ path, type = "File", linkpath, body = "" }) => {
    const header = new Header({
      path,
      type: type as "File",
      ...(linkpath === undefined ? {} : { linkpath }),
      mode: 0o644,
      size: body.length,
      mtime: new Date(0),
    });
    const head = Buffer.alloc(512);
    header.encode(head, 0);
    const content = Buffer.alloc(Math.ceil(body.length / 512) * 512);
    content.write(body);
    return [head, content];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

test.for([
  ["climbs out", [{ path: "../../evil", body: "x" }]],
  ["is absolute", [{ path: "/tmp/evil", body: "x" }]],
  ["is a link out", [{ path: "link", type: "SymbolicLink", linkpath: "/etc" }]],
  [
    "is written through a link",
    [
      { path: "link", type: "SymbolicLink", linkpath: "../.." },
      { path: "link/evil", body: "x" },
    ],
  ],
  ["is a device", [{ path: "device", type: "CharacterDevice" }]],
] as const)("a tarball with an entry that %s is refused, and nothing of it is on disk", async ([, entries]) => {
  const own = await fixture();
  const release = siteRelease("1", await own.offer(tarball(entries)));
  await expect(own.installer.ensureInstalled(release, never)).rejects.toMatchObject({ reason: "artifact-path-escape" });
  expect(await own.installer.installed()).toEqual([]);
  expect(
    (await everything(own.dataDir)).filter((name) => name.includes("evil") || name.startsWith("releases/")),
  ).toEqual([]);
});

test("a truncated tarball under its true digest is refused", async () => {
  const own = await fixture();
  const whole = tarball([{ path: "index.js", body: "x".repeat(5000) }]);
  const release = siteRelease("1", await own.offer(whole.subarray(0, whole.length - 20)));
  await expect(own.installer.ensureInstalled(release, never)).rejects.toMatchObject({ reason: "artifact-truncated" });
  expect(await own.installer.installed()).toEqual([]);
});

test("what a killed install left does not look complete, and is made whole", async () => {
  const own = await fixture();
  const artifact = await own.pack("hello");
  const release = siteRelease("1", artifact);
  await own.installer.ensureInstalled(release, never);
  const folder = releaseFolder(own.dataDir, artifact);
  await rm(join(folder, ".complete"));
  await rm(join(folder, "index.js"));
  await truncate(join(own.dataDir, "artifacts", `${hexOf(artifact)}.tgz`), 10);
  await writeFile(join(own.dataDir, "artifacts", `${hexOf(artifact)}.tgz.part`), "half");
  const later = own.reopen();
  expect(await later.installed()).toEqual([]);
  await later.ensureInstalled(release, never);
  expect(await readFile(join(folder, "index.js"), "utf8")).toBe("hello");
  expect(own.fetched).toHaveLength(2);
});

test("a release whose content is not what its digest says is refused", async () => {
  const { installer, pack } = await fixture();
  const release = siteRelease("1", await pack("hello"));
  const forged = { ...release, digest: siteRelease("2", await pack("other")).digest };
  await expect(installer.ensureInstalled(forged, never)).rejects.toMatchObject({ reason: "release-invalid" });
  await expect(installer.ensureInstalled(siteRelease("3", "../../etc"), never)).rejects.toMatchObject({
    reason: "release-invalid",
  });
});

test("pruning removes what is not kept, but neither shared nor running files", async () => {
  const own = await fixture();
  const [shared, runs, gone] = await Promise.all(["shared", "runs", "gone"].map((text) => own.pack(text)));
  const [kept, droppedSharing, droppedRunning, dropped] = [
    siteRelease("1", shared ?? ""),
    siteRelease("2", shared ?? ""),
    siteRelease("3", runs ?? ""),
    siteRelease("4", gone ?? ""),
  ];
  for (const release of [kept, droppedSharing, droppedRunning, dropped, proxyRelease]) {
    if (release !== undefined) await own.installer.ensureInstalled(release, never);
  }
  own.running.push(releaseFolder(own.dataDir, runs ?? ""));
  await own.installer.prune(new Set([kept?.digest ?? "", proxyRelease.digest]));
  expect([...(await own.installer.installed())].sort()).toEqual([kept?.digest, proxyRelease.digest].sort());
  expect(existsSync(releaseFolder(own.dataDir, shared ?? ""))).toBe(true);
  expect(existsSync(releaseFolder(own.dataDir, runs ?? ""))).toBe(true);
  expect(existsSync(releaseFolder(own.dataDir, gone ?? ""))).toBe(false);
  expect(existsSync(join(own.dataDir, "artifacts", `${hexOf(gone ?? "")}.tgz`))).toBe(false);
});

test("an installed file that is edited or taken away is found by its content, and put back; what a site writes is its own", async () => {
  const { installer, reopen, pack, dataDir } = await fixture();
  const artifact = await pack("hello");
  const release = siteRelease("1", artifact);
  await installer.ensureInstalled(release, never);
  const file = join(releaseFolder(dataDir, artifact), "index.js");
  expect(await installer.edited([release, siteRelease("2", artifact)])).toEqual([]);
  await writeFile(join(releaseFolder(dataDir, artifact), "site.log"), "started");
  expect(await installer.edited([release])).toEqual([]);
  await writeFile(file, "HELLO");
  for (const one of [installer, reopen()]) {
    const [edited, ...others] = await one.edited([release]);
    expect(others).toEqual([]);
    expect(edited).toMatchObject({ kind: "release-edited", about: "site:shop", where: file });
    expect(edited?.expected).not.toBe(edited?.found);
  }
  await rm(file);
  const [missing] = await installer.edited([release]);
  expect(missing).toMatchObject({ where: file, found: "no file" });
  await missing?.heal?.();
  expect(await readFile(file, "utf8")).toBe("hello");
  expect(await installer.edited([release])).toEqual([]);
});

test("of an installed release that was never read yet it is known at once whether it is as it was packed", async () => {
  const { installer, pack, dataDir } = await fixture();
  const [first, second] = [siteRelease("1", await pack("one")), siteRelease("2", await pack("two"))];
  for (const release of [first, second]) await installer.ensureInstalled(release, never);
  expect(await installer.edited([first, second])).toEqual([]);
  expect(await installer.editedIn(proxyRelease)).toEqual([]);
  const file = join(releaseFolder(dataDir, artifactOf(second) ?? ""), "index.js");
  await writeFile(file, "TWO");
  expect(await installer.editedIn(second)).toMatchObject([{ kind: "release-edited", where: file }]);
  expect(await installer.editedIn(first)).toEqual([]);
});

test("a release that can't be compared does not keep the others from being looked at", async () => {
  const { installer, pack, dataDir } = await fixture();
  const [first, second] = [siteRelease("1", await pack("one")), siteRelease("2", await pack("two"))];
  for (const release of [first, second]) await installer.ensureInstalled(release, never);
  await rm(join(dataDir, "artifacts", `${hexOf(artifactOf(first) ?? "")}.tgz`));
  await writeFile(join(releaseFolder(dataDir, artifactOf(second) ?? ""), "index.js"), "TWO");
  expect(await installer.edited([first, second])).toHaveLength(1);
});

test("without the tarball, or with another one in its place, nothing is said of files and nothing is put back", async () => {
  const { installer, pack, dataDir } = await fixture();
  const artifact = await pack("hello");
  const release = siteRelease("1", artifact);
  await installer.ensureInstalled(release, never);
  const tarball = join(dataDir, "artifacts", `${hexOf(artifact)}.tgz`);
  await writeFile(join(releaseFolder(dataDir, artifact), "index.js"), "HELLO");
  await writeFile(tarball, gzipSync("something else"));
  expect(await installer.edited([release])).toEqual([]);
});
