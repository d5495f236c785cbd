import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { type Authority, createAuthority, type Pair } from "@sluice/agent/probing/testing/certificates";
import { findFreePorts } from "@sluice/runtime/ports/find-free-ports";
import { afterAll, beforeAll, expect, test } from "vitest";
import { engines } from "./support/each-engine.ts";
import { eventually } from "./support/eventually.ts";
import { type FleetShape, fleetText } from "./support/fleet-text.ts";
import { bootIdFile } from "./support/machine-files.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { expectNoneFailed, startUsers } from "./support/user-load.ts";

/** Agents and coordinator look once a minute; by this clock they do every six seconds. */
const paceTimes = 10;
const name = "secure.shop.internal";

let authority: Authority;
let fleet: Fleet;
let port: number;

/** Both files of a pair, each in its place at once, as programs that renew do. */
async function put(folder: string, { cert, key }: Pair): Promise<void> {
  for (const [file, text] of [
    ["shop.key", key],
    ["shop.crt", cert],
  ] as const) {
    await writeFile(join(folder, `${file}.new`), text, { mode: 0o600 });
    await rename(join(folder, `${file}.new`), join(folder, file));
  }
}

/** The usual fleet file, with a name of the site on a port of its own that speaks TLS. */
function withTls(shape: FleetShape): string {
  const folder = shape.hosts.map(({ name: host }) => join(shape.dir, "hosts", host))[0] ?? "";
  const files = `{ cert: ${join(folder, "shop.crt")}, key: ${join(folder, "shop.key")} }`;
  return fleetText(shape)
    .replace("ports: {", `ports: { 8443: ${port},`)
    .replace(
      "      production:\n",
      `      production:\n        - { name: ${name}, kind: internal, port: 8443, tls: shop }\n`,
    )
    .replace("sites:\n", `certificates: { shop: ${files} }\nsites:\n`);
}

beforeAll(async () => {
  authority = await createAuthority();
  const pair = await authority.issue(name);
  [port = 0] = await findFreePorts(1);
  fleet = await startFleet({
    engine: engines.includes("haproxy") ? "haproxy" : "node",
    paceTimes,
    textOf: withTls,
    agentProgram: fileURLToPath(new URL("support/agent-of-a-machine.ts", import.meta.url)),
    before: async ({ dir }) => {
      await mkdir(dir);
      await put(dir, pair);
      await writeFile(bootIdFile(dir), "boot-1");
    },
  });
  await fleet.push("shop", "1");
  await fleet.deploy("shop", "1");
});
afterAll(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await authority?.[Symbol.asyncDispose]();
});

/** Serial number of the certificate that users are shown. */
function shown(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", servername: name, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? "none");
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

test("a pair that is replaced on a host's disk is presented to users without anybody's command, and no request fails", async () => {
  const before = await shown();
  const users = startUsers(fleet);
  await put(fleet.host.dir, await authority.issue(name));
  await eventually("the renewed certificate is presented", async () => (await shown()) !== before);
  const rollout = await eventually("its rollout is over", async () => {
    const found = (await fleet.client.listRollouts({ activeOnly: false, limit: 10 })).find(
      ({ kind }) => kind === "restart",
    );
    return found?.phase === "completed" && found;
  });
  expect(rollout).toMatchObject({ by: "coordinator", title: "restart what presents certificate shop in production" });
  await expectNoneFailed("renewed certificate", users, {});
});
