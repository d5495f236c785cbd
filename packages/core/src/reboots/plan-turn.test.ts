import { expect, test } from "vitest";
import { durationMs, instant } from "../units/time.ts";
import { type RebootLease, rebootReturnMs } from "./judge-reboot.ts";
import { describeTurn, planTurn, type TurnInput } from "./plan-turn.ts";
import type { BootSeen, RebootState } from "./reboot-order.ts";

const now = instant(61_000);
const wanted = { rollout: "r-1", host: "web-1", order: "r-1/web-1/reboot", mayGo: true };
const drained = { phase: "drained", sentence: "web-1 is drained" } as const;
const emptying = { phase: "emptying", sentence: "1 request is left on web-1", until: now } as const;
const busy = { kind: "no", refusal: "site_busy", sentence: "web-2 is silent" } as const;
const lease: RebootLease = {
  ...{ host: "web-1", client: "r-1", group: "rollout", at: instant(0), drains: true },
  order: { id: wanted.order },
};
const away: RebootLease = { ...lease, order: { id: wanted.order, bootId: "boot-1" }, grantedAt: instant(1_000) };
const back: RebootLease = { ...away, backAt: instant(31_000) };
const boot = (id: string, state?: RebootState): BootSeen => ({
  ...{ id, canReboot: true },
  ...(state === undefined ? {} : { order: { id: wanted.order, state, sentence: `${state} there` } }),
});
const well = { now, connected: true, notRunning: [], unhealthy: [] };
const input = (more: Partial<TurnInput>): TurnInput => ({
  ...{ now, wanted, boot: boot("boot-1"), upToDate: true, returned: well },
  ...more,
});

test.each<[string, Partial<TurnInput>, ReturnType<typeof planTurn>]>([
  ["is drained when nothing is in the way", {}, { kind: "begin", wanted }],
  ["waits for whatever is in the way", { obstacle: busy }, undefined],
  ["does not begin while its rollout is held", { wanted: { ...wanted, mayGo: false } }, undefined],
  [
    "is let go when it is drained, by the boot that it has then",
    { lease, drain: drained },
    { kind: "let-go", bootId: "boot-1" },
  ],
  ["is not let go while users are on it", { lease, drain: emptying }, undefined],
  ["is not let go when something has come between", { lease, drain: drained, obstacle: busy }, undefined],
  [
    "is not let go while its rollout is held",
    { lease, drain: drained, wanted: { ...wanted, mayGo: false } },
    undefined,
  ],
  ["is not let go before it says by which boot it runs", { lease, drain: drained, boot: undefined }, undefined],
  [
    "gives an unused turn back when nobody wants it any more",
    { lease, drain: drained, wanted: undefined },
    { kind: "end", why: "gives its turn back unused" },
  ],
  ["is not back while it runs by the same boot, however well it answers", { lease: away }, undefined],
  ["is back when it runs by another boot and answers well", { lease: away, boot: boot("boot-2") }, { kind: "back" }],
  [
    "is not back before it answers well",
    { lease: away, boot: boot("boot-2"), returned: { ...well, unhealthy: ["no answer"] } },
    undefined,
  ],
  [
    "is waited for when its rollout ends while it reboots",
    { lease: away, boot: boot("boot-1", "begun"), wanted: undefined },
    undefined,
  ],
  [
    "has no turn any more when its rollout ends before it began",
    { lease: away, wanted: undefined },
    { kind: "end", why: "never began to reboot" },
  ],
  [
    "may have begun when it does not obey the newest intent yet",
    { lease: away, wanted: undefined, upToDate: false },
    undefined,
  ],
  [
    "ends its turn when it refused and its rollout knows",
    { lease: away, boot: boot("boot-1", "failed"), wanted: undefined },
    { kind: "end", why: "did not reboot" },
  ],
  ["keeps its turn until its rollout knows that it is back", { lease: back, boot: boot("boot-2") }, undefined],
  [
    "has had its turn when its rollout knows that it is back",
    { lease: back, wanted: undefined },
    { kind: "end", why: "has had its turn" },
  ],
  [
    "is a reboot manager's to deal with when that has the turn",
    { lease: { ...lease, order: undefined } as unknown as RebootLease, drain: drained },
    undefined,
  ],
])("a host %s", (_, more, act) => {
  expect(planTurn(input(more))).toEqual(act);
});

test("a rollout is told how far the turn has come", () => {
  const told = (more: Partial<TurnInput>) => describeTurn(input(more));
  expect(told({ obstacle: busy })).toEqual({ kind: "waiting", sentence: "web-2 is silent" });
  expect(told({ lease, drain: emptying })).toEqual({ kind: "waiting", sentence: "1 request is left on web-1" });
  const until = instant(1_000 + rebootReturnMs);
  const missing = ["web-1 does not report"];
  expect(told({ lease: away, returned: { ...well, connected: false } })).toEqual({ kind: "away", missing, until });
  expect(told({ lease: away })).toMatchObject({ missing: ["web-1 has not rebooted: its agent has not begun yet"] });
  expect(told({ lease: away, boot: boot("boot-1", "interrupted") })).toMatchObject({
    missing: ["web-1 has not rebooted: interrupted there"],
  });
  expect(told({ lease: away, boot: boot("boot-1", "failed") })).toEqual({ kind: "refused", sentence: "failed there" });
  expect(told({ lease: away, boot: boot("boot-2", "failed") })).toMatchObject({ kind: "away", missing: [] });
  expect(told({ lease: back })).toEqual({ kind: "back", awayMs: durationMs(30_000) });
});
