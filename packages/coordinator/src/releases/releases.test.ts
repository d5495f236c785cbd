import { createHash } from "node:crypto";
import { mkdir, mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { credentials } from "@grpc/grpc-js";
import { AgentServiceClient } from "@sluice/protocol/generated/sluice/agent/v1/agent";
import { packFolder } from "@sluice/runtime/artifacts/pack-folder";
import { expect, test } from "vitest";
import { type CoordinatorRig, startRig } from "../testing/coordinator-rig.ts";

const fleet = [
  "fleet: acme",
  "environments: [{ name: production, hosts: [web-1] }]",
  "sites:",
  "  shop:",
  "    run: { driver: process, command: [node, server.js] }",
  "    bindings: { production: [{ name: shop.internal, kind: internal, port: 8080 }] }",
  "",
].join("\n");

const sha256 = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

async function rigWithFleet(): Promise<CoordinatorRig> {
  const rig = await startRig();
  await rig.operator.apply(fleet);
  return rig;
}

/** A tarball of a folder with one script and some bulk, so that it takes several pieces. */
async function packed(text: string): Promise<Buffer> {
  await using dir = await mkdtempDisposable(join(tmpdir(), "sluice-pack-"));
  const site = join(dir.path, "site");
  await mkdir(site);
  await writeFile(join(site, "server.js"), text);
  await writeFile(join(site, "bulk"), createHash("shake256", { outputLength: 400_000 }).update(text).digest());
  await packFolder(site, join(dir.path, "site.tgz"));
  return readFile(join(dir.path, "site.tgz"));
}

function push(
  { operator }: CoordinatorRig,
  version: string,
  bytes: Buffer,
  more: { digest?: string; bytes?: number; oneWay?: string } = {},
) {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 60_000) chunks.push(bytes.subarray(at, at + 60_000));
  return operator.push({ site: "shop", version, digest: sha256(bytes), bytes: bytes.length, ...more }, chunks);
}

/** One entry of a tar archive in the ustar format. */
function tarEntry(name: string, type: "0" | "2", link = "", body = ""): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${body.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write(type, 156);
  header.write(link, 157);
  header.write("ustar\x0000", 257);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
    148,
  );
  const padded = Buffer.alloc(Math.ceil(body.length / 512) * 512);
  padded.write(body);
  return Buffer.concat([header, padded]);
}

const tarball = (...entries: Buffer[]): Buffer => gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]));

test("a release is taken once, listed, and fetched byte for byte", async () => {
  await using rig = await rigWithFleet();
  const bytes = await packed("console.log(1)");
  expect(await push(rig, "1.0.0", bytes)).toEqual({ digest: sha256(bytes), existed: false });
  expect(await push(rig, "1.0.0", bytes)).toEqual({ digest: sha256(bytes), existed: true });
  const { releases } = await rig.operator.ask((client) => client.listReleases, { site: "shop" });
  expect(releases).toMatchObject([{ site: "shop", version: "1.0.0", digest: sha256(bytes), bytes: bytes.length }]);
  const agent = new AgentServiceClient(rig.coordinator.address, credentials.createInsecure());
  const pieces: Buffer[] = [];
  for await (const { chunk } of agent.fetchArtifact({ digest: sha256(bytes) })) pieces.push(chunk);
  expect(pieces.length).toBeGreaterThan(3);
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  agent.close();
});

test("another content under the same version is refused", async () => {
  await using rig = await rigWithFleet();
  await push(rig, "1.0.0", await packed("console.log(1)"));
  await expect(push(rig, "1.0.0", await packed("console.log(2)"))).rejects.toMatchObject({
    reason: "release-conflict",
  });
});

test("a fetch of what is not there says what to do", async () => {
  await using rig = await rigWithFleet();
  const agent = new AgentServiceClient(rig.coordinator.address, credentials.createInsecure());
  const stream = agent.fetchArtifact({ digest: `sha256:${"0".repeat(64)}` });
  const error = await new Promise<Error>((resolve) => stream.on("error", resolve).resume());
  expect(error.message).toContain("it is not on this coordinator");
  agent.close();
});

test("hostile and damaged tarballs are refused, and leave nothing behind", async () => {
  await using rig = await rigWithFleet();
  const sound = await packed("console.log(1)");
  const cut = sound.subarray(0, sound.length - 200);
  const refused = (version: string, bytes: Buffer, lies = {}) => expect(push(rig, version, bytes, lies)).rejects;
  await refused("1", cut, { bytes: sound.length }).toMatchObject({ reason: "artifact-truncated" });
  await refused("2", sound, { bytes: 10 }).toMatchObject({ reason: "artifact-truncated" });
  await refused("3", cut).toMatchObject({ reason: "artifact-truncated" });
  await refused("4", sound, { digest: sha256(cut) }).toMatchObject({ reason: "artifact-digest-mismatch" });
  await refused("5", tarball(tarEntry("../evil", "0", "", "x"))).toMatchObject({ reason: "artifact-path-escape" });
  await refused("6", tarball(tarEntry("out", "2", "/etc"))).toMatchObject({ reason: "artifact-path-escape" });
  await refused("7", tarball(tarEntry("in", "2", "."), tarEntry("in/../../evil", "0", "", "x"))).toMatchObject({
    reason: "artifact-path-escape",
  });
  await refused("8", Buffer.from("not a tarball at all")).toMatchObject({ reason: "artifact-truncated" });
  await refused("../9", sound).toMatchObject({ reason: "release-invalid" });
  expect(await readdir(join(rig.dataDir, "artifacts"))).toEqual([]);
  const { releases } = await rig.operator.ask((client) => client.listReleases, { site: "shop" });
  expect(releases).toEqual([]);
});

test("a version that nobody pushed cannot be deployed", async () => {
  await using rig = await rigWithFleet();
  await expect(rig.operator.deploy("shop", "9.9.9")).rejects.toMatchObject({ reason: "release-unknown" });
  await expect(rig.operator.deploy("blog", "1.0.0")).rejects.toMatchObject({ reason: "site-unknown" });
});

test("a release says when it is pushed, or pushed again, that it is one-way; nobody unsays that", async () => {
  await using rig = await rigWithFleet();
  const bytes = await packed("v1");
  const { operator } = rig;
  const list = async () => (await operator.ask((client) => client.listReleases, { site: "shop" })).releases;
  await push(rig, "1.0.0", bytes);
  expect(await list()).toMatchObject([{ version: "1.0.0", oneWay: undefined }]);
  await expect(push(rig, "1.0.0", bytes, { oneWay: " " })).rejects.toMatchObject({ reason: "reason-missing" });
  expect(await push(rig, "1.0.0", bytes, { oneWay: "orders are split" })).toMatchObject({ existed: true });
  await push(rig, "1.0.0", bytes, { oneWay: "something else" });
  await push(rig, "1.0.0", bytes);
  expect(await list()).toMatchObject([{ version: "1.0.0", oneWay: "orders are split" }]);
});
