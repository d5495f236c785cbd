import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type SiteReleaseContent, seconds, siteUnit } from "@sluice/core";
import { nodeClock } from "@sluice/runtime";
import { expect, onTestFinished, test } from "vitest";
import type { RunningSlot, Slots } from "../drivers.ts";
import { releaseFolder } from "../install/site-content.ts";
import { type KeeperFixture, startKeeperFixture, until } from "../keeper/testing/keeper-fixture.ts";
import { openSlots } from "./open-slots.ts";
import { answerWithEnvironment, binding, duties, releaseOf, scriptRelease } from "./testing/builders.ts";

const never = new AbortController().signal;

async function fixture(): Promise<KeeperFixture & { readonly slots: Slots }> {
  const keeper = await startKeeperFixture();
  onTestFinished(() => keeper[Symbol.asyncDispose]());
  return Object.assign(keeper, { slots: openSlots({ keeper: keeper.keeper, dataDir: keeper.dir, clock: nodeClock }) });
}

const ask = (slot: RunningSlot, path = "/") => fetch(`http://${slot.target.host}:${slot.target.port}${path}`);

test("a slot starts on a loopback port of its own, knows who it is and is ready once it answers", async () => {
  const { slots, dir } = await fixture();
  const release = scriptRelease("2.4.0", answerWithEnvironment);
  const slot = await slots.start("shop", "green", release, duties());
  await slots.awaitReady(slot, release, duties(), never);
  const { env, host } = (await (await ask(slot)).json()) as { env: Record<string, string>; host: string };
  expect(env).toMatchObject({
    PORT: String(slot.target.port),
    HOST: "127.0.0.1",
    SLUICE_SITE: "shop",
    SLUICE_SLOT: "green",
    SLUICE_RELEASE: "2.4.0",
    SLUICE_DIGEST: release.digest,
    RELEASE_NAME: "2.4.0",
  });
  expect(JSON.parse(env.SLUICE_BINDINGS ?? "")).toEqual([
    { name: "shop.internal", kind: "internal", port: 80, tls: false },
  ]);
  expect(host).toContain("127.0.0.1");
  expect(slot).toMatchObject({ digest: release.digest, version: "2.4.0", alive: true, restarts: 0 });
  expect(slot.target.release).toBe(release.digest);
  expect(await slots.list()).toEqual([slot]);
  expect(
    await openSlots({
      keeper: (await import("../keeper/keeper-client.ts")).openKeeper(join(dir, "keeper/keeper.sock")),
      dataDir: dir,
      clock: nodeClock,
    }).list(),
    "as a later agent sees it",
  ).toEqual([slot]);
});

test("the readiness path is asked under the internal name", async () => {
  const { slots, log } = await fixture();
  const release = scriptRelease(
    "1",
    `require("http").createServer((request, response) => {
      console.log("asked", request.url, request.headers.host);
      response.statusCode = request.headers.host === "shop.internal" ? 200 : 400;
      response.end();
    }).listen(process.env.PORT, process.env.HOST);`,
  );
  const both = duties({ bindings: [binding({ name: "www.shop.example", kind: "public" }), binding()] });
  const slot = await slots.start("shop", "blue", release, both);
  await slots.awaitReady(slot, release, both, never);
  expect(log("slot-shop-blue")).toContain("asked /healthz shop.internal");
});

test("starting the same release again leaves the slot alone, another release replaces it", async () => {
  const { slots } = await fixture();
  const one = scriptRelease("1", answerWithEnvironment);
  const two = scriptRelease("2", `${answerWithEnvironment};`);
  const first = await slots.start("shop", "blue", one, duties());
  expect(await slots.start("shop", "blue", one, duties())).toEqual(first);
  const second = await slots.start("shop", "blue", two, duties());
  expect(second.pid).not.toBe(first.pid);
  expect(second.version).toBe("2");
  expect(await slots.list()).toEqual([second]);
});

test("two orders at once start one process", async () => {
  const { slots } = await fixture();
  const release = scriptRelease("1", answerWithEnvironment);
  const [a, b] = await Promise.all([1, 2].map(() => slots.start("shop", "blue", release, duties())));
  expect(a).toEqual(b);
});

test("a slot that dies at start is reported at once, with exit code and the last lines of its log", async () => {
  const { slots } = await fixture();
  const release = scriptRelease(
    "1",
    `console.error("cannot read config"); console.error("giving up"); process.exit(7);`,
  );
  const slot = await slots.start("shop", "blue", release, duties());
  const startedAt = performance.now();
  await expect(slots.awaitReady(slot, release, duties(), never)).rejects.toMatchObject({
    reason: "slot-exited",
    message: expect.stringMatching(/exited with code 7 .*cannot read config ⏎ giving up/),
  });
  expect(performance.now() - startedAt).toBeLessThan(15_000);
});

test("a log written by an earlier release is not quoted for a later one", async () => {
  const { slots } = await fixture();
  const loud = scriptRelease("1", `console.error("old trouble"); ${answerWithEnvironment}`);
  const silent = scriptRelease("2", "process.exit(3)");
  const first = await slots.start("shop", "blue", loud, duties());
  await slots.awaitReady(first, loud, duties(), never);
  await slots.stop("shop", "blue", 1000);
  const slot = await slots.start("shop", "blue", silent, duties());
  await expect(slots.awaitReady(slot, silent, duties(), never)).rejects.toThrow(/code 3 .*its log is empty/);
});

test("a slot that never gets ready fails at its deadline and says how it answered last", async () => {
  const { slots } = await fixture();
  const release = scriptRelease(
    "1",
    `require("http").createServer((request, response) => { response.statusCode = 503; response.end(); })
       .listen(process.env.PORT, process.env.HOST);`,
    { ready: { path: "/healthz", withinMs: seconds(1.5) } },
  );
  const slot = await slots.start("shop", "blue", release, duties());
  await expect(slots.awaitReady(slot, release, duties(), never)).rejects.toMatchObject({
    reason: "deadline-passed",
    message: expect.stringMatching(/not ready within 2s, (\/healthz answered 503|127.0.0.1:\d+ )/),
  });
});

test("waiting for a slot ends when its caller gives up", async () => {
  const { slots } = await fixture();
  const release = scriptRelease("1", "setInterval(() => {}, 1000)");
  const slot = await slots.start("shop", "blue", release, duties());
  const giveUp = new AbortController();
  const waiting = slots.awaitReady(slot, release, duties(), giveUp.signal);
  giveUp.abort(new Error("withdrawn"));
  await expect(waiting).rejects.toThrow("withdrawn");
});

test("a slot that crashes comes back on its own port, and is counted", async () => {
  const { slots } = await fixture();
  const release = scriptRelease("1", answerWithEnvironment);
  const slot = await slots.start("shop", "blue", release, duties());
  await slots.awaitReady(slot, release, duties(), never);
  await ask(slot, "/crash")
    .then((response) => response.text())
    .catch(() => undefined);
  await until(async () => (await slots.list()).some(({ alive, restarts }) => alive && restarts === 1));
  const [again] = await slots.list();
  expect(again?.target).toEqual(slot.target);
  expect(again?.pid).not.toBe(slot.pid);
  if (again !== undefined) await slots.awaitReady(again, release, duties(), never);
  await expect(slots.awaitReady(slot, release, duties(), never), "the first process").rejects.toThrow("SIGKILL");
});

test("after the keeper has lost its children the same release comes back on the same port", async () => {
  const { slots, keeper } = await fixture();
  const release = scriptRelease("1", answerWithEnvironment);
  const slot = await slots.start("shop", "blue", release, duties());
  await keeper.removeChild("slot-shop-blue", 0);
  expect(await slots.list()).toEqual([]);
  const again = await slots.start("shop", "blue", release, duties());
  expect(again.target).toEqual(slot.target);
});

test("a slot survives the crash of its keeper, address and all", async () => {
  const { slots, crashAndRestart } = await fixture();
  const release = scriptRelease("1", answerWithEnvironment);
  const slot = await slots.start("shop", "blue", release, duties());
  await slots.awaitReady(slot, release, duties(), never);
  await crashAndRestart();
  expect(await slots.list()).toEqual([slot]);
  expect((await ask(slot)).status).toBe(200);
});

test("a stopped slot is gone, with whatever it started, even when it does not listen to SIGTERM", async () => {
  const { slots } = await fixture();
  const release = scriptRelease(
    "1",
    `process.on("SIGTERM", () => {});
     const child = require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
     require("http").createServer((request, response) => response.end(String(child.pid))).listen(process.env.PORT, process.env.HOST);`,
  );
  const slot = await slots.start("shop", "blue", release, duties());
  await slots.awaitReady(slot, release, duties(), never);
  const grandchild = Number(await (await ask(slot)).text());
  await slots.stop("shop", "blue", 200);
  expect(await slots.list()).toEqual([]);
  await until(() => !isAlive(slot.pid) && !isAlive(grandchild));
  await slots.stop("shop", "blue", 200);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("a release with files runs in their folder, and not before they are complete", async () => {
  const { slots, dir } = await fixture();
  const artifact = `sha256:${"a".repeat(64)}`;
  const folder = releaseFolder(dir, artifact);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "server.js"), answerWithEnvironment);
  const run = { driver: "process", command: ["node", "server.js", "--port={port}", "{release}"], env: {} } as const;
  const release = scriptRelease("1", "", { artifact, run });
  await expect(slots.start("shop", "blue", release, duties())).rejects.toMatchObject({ reason: "artifact-unknown" });
  await writeFile(join(folder, ".complete"), `${artifact}\n`);
  const slot = await slots.start("shop", "blue", release, duties());
  await slots.awaitReady(slot, release, duties(), never);
  expect(((await (await ask(slot)).json()) as { cwd: string }).cwd).toBe(folder);
});

async function externalSite(dir: string): Promise<{ readonly content: SiteReleaseContent; readonly journal: string }> {
  const server = createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1");
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const journal = join(dir, "journal");
  const note = (what: string) => [
    "node",
    "-e",
    `fs.appendFileSync(${JSON.stringify(journal)}, "${what} " + process.env.SLUICE_SLOT + " {port} {release}\\n")`,
  ];
  const addresses = { blue: `127.0.0.1:${port}`, green: "127.0.0.1:1" };
  const run = { driver: "external", addresses, start: note("start"), stop: note("stop") } as const;
  return { content: { site: "shop", run, ready: { path: "/", withinMs: seconds(20) } }, journal };
}

test("an external slot runs its commands, is at its address and forgotten once stopped", async () => {
  const { slots, dir, keeper } = await fixture();
  const { content, journal } = await externalSite(dir);
  const release = releaseOf(siteUnit("shop"), "5", content);
  const slot = await slots.start("shop", "blue", release, duties());
  await slots.awaitReady(slot, release, duties(), never);
  expect(slot).toMatchObject({ alive: true, pid: 0, digest: release.digest });
  expect(await slots.start("shop", "blue", release, duties())).toEqual(slot);
  expect(await slots.list()).toEqual([slot]);
  await slots.stop("shop", "blue", 100);
  expect(await slots.list()).toEqual([]);
  const { port } = slot.target;
  expect(await readFile(journal, "utf8")).toBe(`start blue ${port} 5\nstop blue ${port} 5\n`);
  expect((await keeper.status()).children).toEqual([]);
});

test("an external slot whose start command fails is not started, and says why", async () => {
  const { slots, dir } = await fixture();
  const { content } = await externalSite(dir);
  const run = { ...content.run, start: ["node", "-e", `console.error("no licence"); process.exit(4)`] };
  const release = releaseOf(siteUnit("shop"), "5", { ...content, run });
  await expect(slots.start("shop", "blue", release, duties())).rejects.toThrow(
    "the start command of slot blue of shop exited with code 4; its log ends with: no licence",
  );
  expect(await slots.list()).toEqual([]);
});

test("an external slot whose start command hangs is given up at the deadline", async () => {
  const { slots, dir, keeper } = await fixture();
  const { content } = await externalSite(dir);
  const run = { ...content.run, start: ["node", "-e", "setInterval(() => {}, 1000)"] };
  const release = releaseOf(siteUnit("shop"), "5", { ...content, run, ready: { path: "/", withinMs: seconds(1) } });
  await expect(slots.start("shop", "blue", release, duties())).rejects.toMatchObject({ reason: "deadline-passed" });
  expect((await keeper.status()).children).toEqual([]);
});
