import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RebootOrder } from "@sluice/core";
import { openLog } from "@sluice/runtime/logs/open-log";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { readBootId } from "./read-boot-id.ts";
import { openRebootJournal } from "./reboot-journal.ts";
import { runRebootCommand } from "./run-reboot-command.ts";
import { startReboots } from "./start-reboots.ts";

const order: RebootOrder = { id: "r-1/web-1/reboot", bootId: "boot-1" };

let dataDir: string;
let begun: string[];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "reboots-"));
  await mkdir(join(dataDir, "agent"));
  begun = [];
  onTestFinished(() => rm(dataDir, { recursive: true }));
});

interface Unusual {
  readonly bootId?: string;
  readonly order?: RebootOrder | undefined;
  readonly isInTouch?: boolean;
  /** Its coordinator thinks better of it while the order is being noted. */
  readonly isTakenBack?: boolean;
  /** What its command comes to; `none`: it was told none. */
  readonly command?: string | "none" | Promise<undefined>;
}

/** An agent that starts on what earlier ones left, is told once, and has come to rest. */
async function agent({ bootId = "boot-1", command, ...told }: Unusual = {}) {
  const { isInTouch = true, isTakenBack = false } = told;
  const wanted = "order" in told ? told.order : order;
  let asked = 0;
  const { promise: noted, resolve } = Promise.withResolvers<void>();
  let changes = 0;
  const journal = await openRebootJournal(dataDir);
  const reboot = async () => {
    // Noted before it is begun, whatever comes of it.
    begun.push(JSON.parse(await readFile(join(dataDir, "agent", "reboot.json"), "utf8")).id);
    return command;
  };
  const reboots = await startReboots({
    journal,
    bootId,
    reboot: command === "none" ? undefined : (reboot as () => Promise<string | undefined>),
    order: () => {
      asked += 1;
      return isTakenBack && asked > 1 ? undefined : wanted;
    },
    isInTouch: () => isInTouch,
    log: openLog({ name: "agent", level: "silent" }),
    onChanged: () => {
      changes += 1;
      if (changes === (typeof command === "string" && command !== "none" ? 2 : 1)) resolve();
    },
  });
  return { reboots, noted };
}

test("an order is begun once, and another boot is what shows that it was carried out", async () => {
  const first = await agent();
  first.reboots.wake();
  await first.noted;
  first.reboots.wake();
  await expect.poll(() => begun).toEqual([order.id]);
  expect(first.reboots.seen).toEqual({
    id: "boot-1",
    canReboot: true,
    order: { id: order.id, state: "begun", sentence: "its reboot command was started" },
  });
  const next = await agent({ bootId: "boot-2" });
  next.reboots.wake();
  expect(next.reboots.seen).toMatchObject({ id: "boot-2", order: { state: "begun" } });
  expect(begun).toEqual([order.id]);
});

test("an agent that ends after it has begun does not begin again: it says that nobody can tell", async () => {
  const first = await agent({ command: new Promise(() => undefined) });
  first.reboots.wake();
  await first.noted;
  await expect.poll(() => begun).toHaveLength(1);
  const next = await agent();
  next.reboots.wake();
  expect(next.reboots.seen?.order).toMatchObject({ id: order.id, state: "interrupted" });
  expect(begun).toHaveLength(1);
});

test("an order that is taken back while it is being noted is not begun, and is told so", async () => {
  const { reboots, noted } = await agent({ isTakenBack: true });
  reboots.wake();
  await noted;
  expect(reboots.seen?.order).toMatchObject({
    state: "failed",
    sentence: expect.stringContaining("took the order back"),
  });
  expect(begun).toEqual([]);
});

test("an order that names another boot, or none, or comes from nobody who could take it back, is nothing to begin", async () => {
  for (const unusual of [{ bootId: "boot-2" }, { order: undefined }, { isInTouch: false }]) {
    const { reboots } = await agent(unusual);
    reboots.wake();
    expect(reboots.seen?.order).toBeUndefined();
  }
  expect(begun).toEqual([]);
});

test.each([
  ["fails", "the reboot command exited with code 1", "the reboot command exited with code 1"],
  ["was not given", "none", "its agent was told no reboot command: sluice agent run --reboot-command"],
])("a command that %s is told in words, and not tried again", async (_, command, sentence) => {
  const { reboots, noted } = await agent({ command });
  reboots.wake();
  await noted;
  expect(reboots.seen).toMatchObject({
    canReboot: command !== "none",
    order: { id: order.id, state: "failed", sentence },
  });
  const next = await agent();
  next.reboots.wake();
  expect(next.reboots.seen?.order?.state).toBe("failed");
});

test("a journal that can't be read is no licence to begin", async () => {
  await writeFile(join(dataDir, "agent", "reboot.json"), "{");
  const { reboots, noted } = await agent();
  reboots.wake();
  await noted;
  expect(reboots.seen?.order?.state).toBe("interrupted");
  expect(begun).toEqual([]);
});

test("a host's own command runs by its shell; its failure has its words, and its end by a signal is the shutdown", async () => {
  const run = (command: string) => runRebootCommand(command, join(dataDir, "agent", "reboot.log"));
  expect(await run("true && exit 0")).toBeUndefined();
  expect(await run("echo Access denied >&2; exit 4")).toBe("the reboot command exited with code 4: Access denied");
  expect(await run("kill -TERM $$")).toBeUndefined();
  expect(await run("sh -c 'kill -TERM $$'; exit $?")).toBeUndefined();
  expect(await run("no-such-command")).toMatch(/^the reboot command exited with code 127: .*not found/);
});

test("a system without a boot id says nothing of its boot", async () => {
  expect(readBootId(join(dataDir, "nowhere"))).toBeUndefined();
  await writeFile(join(dataDir, "boot_id"), "0f9e\n");
  expect(readBootId(join(dataDir, "boot_id"))).toBe("0f9e");
});
