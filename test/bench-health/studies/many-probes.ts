import {
  defaultHealthSettings,
  feedEvidence,
  type HealthState,
  instant,
  type ProbeAnswer,
  type ProbeStratum,
  startTests,
  testHost,
} from "@sluice/core";
import { findRegressed } from "@sluice/core/health/find-regressed";
import { unitsForPersistence } from "@sluice/core/health/rule";
import { logSameTime } from "@sluice/core/health/same-time";
import { type Weighed, weighTests } from "@sluice/core/health/weigh";
import { createPrng, type Prng } from "../../simulation/prng.ts";
import { type Bar, type Study, shareText } from "../study.ts";

const historyRounds = 120;
const rounds = 180;
const quietRounds = 20;
const hosts = ["web-1", "web-2", "web-3", "web-4"];

const strata: readonly ProbeStratum[] = Array.from({ length: 30 }, (_, index) => ({
  site: "shop",
  binding: `name-${index}.example`,
  bindingPort: 443,
  hop: "edge",
  source: "probe",
  probe: "GET /",
  indicator: "unexpected",
}));

/** What all hosts alike go through: every probe fails with this probability, twenty rounds after the change. */
const scenes: readonly (readonly [string, number])[] = [
  ["1 % of all probes fail everywhere", 0.01],
  ["5 % fail everywhere", 0.05],
  ["a quarter fails everywhere", 0.25],
  ["half of all fail everywhere", 0.5],
  ["everything fails everywhere", 1],
];

/** The lenient bar of probes with many strata, which health-verdict §3.7 leaves out. */
export const manyProbes: Study = {
  name: "many-probes",
  title: `false halts while all hosts fail alike: ${strata.length} probe strata, ${rounds} rounds, 3 other hosts; "as specified" adds the lenient evidence up (of tests that excuse what the others fail, without which it halts far more)`,
  run({ runs, seed }) {
    const fewer = Math.max(5, Math.floor(runs / 4));
    const bars: Bar[] = [];
    const rows = scenes.map(([name, rate], index) => {
      const found = Array.from({ length: fewer }, (_, i) => play(createPrng(seed + index * 100_003 + i), rate));
      const halted = found.filter(({ sluice }) => sluice).length;
      const specified = found.filter((one) => one.specified).length;
      bars.push({
        promise: `halted in 5 % at most: ${name}`,
        measured: shareText(halted, fewer),
        kept: halted <= 0.05 * fewer,
      });
      return [name, shareText(specified, fewer), shareText(halted, fewer)];
    });
    return { columns: ["nothing is wrong with the change, but", "as specified", "Sluice"], rows, bars };
  },
};

/** Whether half an hour of the same trouble everywhere is taken for a regression. */
function play(prng: Prng, rate: number) {
  let state = start(prng);
  const found = { sluice: false, specified: false };
  for (let round = 0; round < rounds; round++) {
    const probes = roundOf(prng, round, round < quietRounds ? 0 : rate);
    state = feedEvidence(state, { traffic: [], trafficUntil: at(0), probes, probesUntil: at(round + 1) });
    const weighed = weighTests(state);
    found.sluice ||= findRegressed(weighed).length > 0;
    found.specified ||= weighed.reduce((sum, one) => sum + specifiedContribution(one), 0) >= 1;
  }
  return found;
}

function start(prng: Prng): HealthState {
  const planned = hosts.map((host) => ({ host, environment: "production", changes: true, strata }));
  const history = Array.from({ length: historyRounds }, (_, index) => roundOf(prng, -1 - index, 0)).flat();
  const state = startTests({ settings: { production: { shop: defaultHealthSettings } }, hosts: planned });
  return testHost(state, { host: "web-1", since: at(0), history: { traffic: [], probes: history } });
}

/** `min(E_B, E_A·(1/(αw))/20)` of health-verdict §2.4, as a share of what the sum needs. */
function specifiedContribution({ test, logBar }: Weighed): number {
  if (test.badUnits < unitsForPersistence) return 0;
  const own = test.ownHistory?.logEvidence ?? 0;
  const same = test.sameTime === undefined ? 0 : logSameTime(test.sameTime);
  return Math.exp(Math.min(own, same + logBar - Math.log(20)) - logBar);
}

const good = { kind: "good", status: 200 } as const;
const bad = { kind: "bad", status: 503, reason: "answered 503, expected 200" } as const;
const at = (round: number) => instant(1_700_000_000_000 + round * 10_000);

function roundOf(prng: Prng, round: number, failing: number): readonly ProbeAnswer[] {
  return hosts.flatMap((host) =>
    strata.map((stratum) => ({ host, stratum, round: at(round), outcome: prng.chance(failing) ? bad : good })),
  );
}
