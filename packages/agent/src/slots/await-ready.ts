import type { DurationMs, SiteDuties, UnitRelease } from "@sluice/core";
import { Problem } from "@sluice/core/problems/problem";
import { durationMs, formatDuration } from "@sluice/core/units/time";
import type { Clock } from "@sluice/runtime";
import type { RunningSlot } from "../drivers.ts";
import { siteContent } from "../install/site-content.ts";
import type { KeeperClient } from "../keeper/keeper-client.ts";
import type { Answer } from "../probing/answer.ts";
import { ask } from "../probing/ask.ts";
import { internalName } from "../probing/slot-headers.ts";
import { trustOf } from "../probing/trust.ts";
import { exitWords, lastWords } from "./exit-words.ts";
import { logFile } from "./log-tail.ts";
import { slotChildId } from "./slot-record.ts";

export interface ReadyOptions {
  readonly keeper: Pick<KeeperClient, "child">;
  readonly dataDir: string;
  readonly clock: Clock;
  /** Where this start's lines begin in the slot's log. */
  readonly logOffset: number;
  /** False for slots of the `external` driver, whose process is not ours to watch. */
  readonly watchProcess: boolean;
  readonly signal: AbortSignal;
}

/** Short against the start of anything, long against the cost of asking. */
const askEveryMs = durationMs(100);
/** One ask that hangs must not use up the whole time. */
const askTimeoutMsMax = 5000;

const trust = trustOf({});

/** Asks the readiness path under the internal name until it answers 2xx. See {@link Slots.awaitReady}. */
export async function awaitReady(
  slot: RunningSlot,
  release: UnitRelease,
  duties: SiteDuties,
  options: ReadyOptions,
): Promise<void> {
  const { ready } = siteContent(release);
  const { clock, signal } = options;
  const startedAt = clock.monotonic();
  const leftMs = () => ready.withinMs - (clock.monotonic() - startedAt);
  let last = "it was not asked";
  while (leftMs() > 0) {
    signal.throwIfAborted();
    if (options.watchProcess) await assertRuns(slot, options);
    const answer = await askReady(
      slot,
      duties,
      ready.path,
      durationMs(Math.max(1, Math.min(leftMs(), askTimeoutMsMax))),
      options,
    );
    if (answer.kind === "answered" && answer.status >= 200 && answer.status < 300) return;
    last = answer.kind === "answered" ? `${ready.path} answered ${answer.status}` : answer.reason;
    await clock.sleep(durationMs(Math.max(1, Math.min(askEveryMs, leftMs()))), signal);
  }
  throw await notReady(slot, ready.withinMs, last, options);
}

function askReady(
  slot: RunningSlot,
  duties: SiteDuties,
  path: string,
  timeoutMs: DurationMs,
  { clock, signal }: ReadyOptions,
): Promise<Answer> {
  const question = {
    site: slot.site,
    binding: internalName(duties.bindings),
    hop: "slot",
    probe: { path, method: "GET", headers: {}, expect: [200], timeoutMs },
    way: { kind: "tcp", host: slot.target.host, port: slot.target.port },
    path,
    rawHeaders: ["Host", internalName(duties.bindings), "User-Agent", "sluice-ready", "Accept", "*/*"],
  } as const;
  return ask(question, { trust, signal, nowMs: () => clock.now() });
}

/** Throws when the process that `slot` describes is gone, even if the keeper has started another in its place. */
async function assertRuns(slot: RunningSlot, options: ReadyOptions): Promise<void> {
  const id = slotChildId(slot.site, slot.slot);
  const child = await options.keeper.child(id);
  if (child.phase === "running" && child.pid === slot.pid) return;
  const words = await lastWords(options.dataDir, id, options.logOffset);
  throw new Problem(
    "slot-exited",
    `cannot start slot ${slot.slot} of ${slot.site}: its process ${exitWords(child.lastExit)} before it was ready; ${words}`,
    { hint: `less ${logFile(options.dataDir, id)}` },
  );
}

async function notReady(
  slot: RunningSlot,
  withinMs: DurationMs,
  last: string,
  options: ReadyOptions,
): Promise<Problem> {
  const id = slotChildId(slot.site, slot.slot);
  const words = options.watchProcess ? `; ${await lastWords(options.dataDir, id, options.logOffset)}` : "";
  return new Problem(
    "deadline-passed",
    `cannot start slot ${slot.slot} of ${slot.site}: not ready within ${formatDuration(withinMs)}, ${last}${words}`,
  );
}
