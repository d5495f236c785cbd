import type { ActivationState, Grant, KeeperSeen, ObservedHost, ProgramChange, ProgramUnit } from "@sluice/core";
import { programRelease } from "@sluice/core/programs/program-release";
import { instant } from "@sluice/core/units/time";
import { sha256Text } from "@sluice/runtime";
import { expect, test } from "vitest";
import { emptyLedger, type Ledger } from "../ledger/ledger.ts";
import { grantOf } from "../testing/build-intent.ts";
import { recordChange, settleLedger, whyNotYet } from "./settle-ledger.ts";

const releaseOf = (unit: ProgramUnit) => programRelease(unit, "2.0.0", undefined, sha256Text);
const grants: Readonly<Record<ProgramUnit, Grant>> = {
  agent: grantOf("a", [releaseOf("agent")], instant(0)),
  keeper: grantOf("k", [releaseOf("keeper")], instant(0)),
};
const ofSite: Grant = { ...grants.agent, id: "s", units: [{ unit: "site:shop", digest: "sha256:x" }] };

const seen: KeeperSeen = { digest: "d", version: "1", pid: 1, startedAtMs: 0, kept: { sockets: [], children: {} } };
const host: ObservedHost = { installed: [], slots: [], proxies: [], agent: { ...seen, trialEnds: {} }, keeper: seen };

function changing(unit: ProgramUnit, phase: "on-trial" | "provisional" | "installing"): Ledger {
  const subject = { grant: grants[unit], since: instant(0), release: releaseOf(unit) };
  const states: Readonly<Record<typeof phase, ProgramChange>> = {
    installing: { ...subject, phase: "installing", deadline: instant(9) },
    "on-trial": { ...subject, phase: "on-trial", startedAt: instant(1), deadline: instant(9) },
    provisional: { ...subject, phase: "provisional", switchedAt: instant(1), switchMs: 1 },
  };
  return recordChange(emptyLedger, states[phase]);
}

function activating(phase: "installing" | "provisional"): Ledger {
  const state = { grant: ofSite, since: instant(0), parts: [], notes: [], phase } as unknown as ActivationState;
  return { ...emptyLedger, activations: { s: state } };
}

test("agent and keeper change one after the other, whichever is first", () => {
  expect(whyNotYet(changing("agent", "provisional"), grants.keeper, host)).toContain("the change of the agent");
  expect(whyNotYet(changing("keeper", "installing"), grants.agent, host)).toContain("the change of the keeper");
  expect(whyNotYet(emptyLedger, grants.keeper, host)).toBeUndefined();
});

test("nothing that moves and a keeper that hands over meet; what is merely on trial stays so beside it", () => {
  expect(whyNotYet(activating("installing"), grants.keeper, host)).toContain("nothing else is being activated");
  expect(whyNotYet(activating("provisional"), grants.keeper, host)).toBeUndefined();
  expect(whyNotYet(changing("keeper", "on-trial"), ofSite, host)).toContain("the change of the keeper");
  expect(whyNotYet(changing("keeper", "provisional"), ofSite, host)).toBeUndefined();
  expect(whyNotYet(changing("agent", "on-trial"), ofSite, host)).toBeUndefined();
});

test("a keeper that does not say what it is is not changed", () => {
  const { keeper: _, ...mute } = host;
  expect(whyNotYet(emptyLedger, grants.keeper, mute)).toContain("does not say which version it is");
});

test("a keeper that comes after its grant has ended, since nobody waited for its handover, hands back", () => {
  const { digest, version } = releaseOf("keeper");
  const ended = {
    grant: grants.keeper,
    since: instant(0),
    release: releaseOf("keeper"),
    end: { kind: "withdrawn" },
  } as const;
  const late = recordChange(emptyLedger, { ...ended, phase: "ended", at: instant(1) });
  const settled = (keeper: KeeperSeen, ledger = late) =>
    settleLedger(ledger, { now: instant(2), intent: undefined, host: { ...host, keeper }, obeyGrants: true })
      .keeperChanges?.["k"];
  const successor = { ...seen, digest, version, trial: "k" };
  expect(settled(successor)).toMatchObject({ phase: "handing-back", end: { kind: "withdrawn" } });
  expect(settled(seen)?.phase).toBe("ended");
  expect(settled(successor, { ...late, proven: { keeper: releaseOf("keeper") } })?.phase, "it is the proven one").toBe(
    "ended",
  );
});
