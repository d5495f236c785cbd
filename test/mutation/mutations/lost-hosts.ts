import { mutationsOf } from "../mutation.ts";

/** In histories nobody takes a completed rollout back while a host that it skipped is away. */
const notSimulated = "no history takes back a completed rollout";

/** Faults in the decisions about hosts that are lost, and that come late. */
export const lostHostMutations = [
  ...mutationsOf("rollout/skip-lost.ts", [
    {
      name: "skips a host that has been begun on",
      find: '(steps[host] ?? pending).kind !== "pending" || since === undefined',
      put: "since === undefined",
    },
    {
      name: "skips a whole wave",
      find: "lost.length === 0 || lost.length === wave.length ? steps",
      put: "lost.length === 0 ? steps",
    },
    {
      name: "skips a host that has only just fallen silent",
      find: "between(since, input.now) < skipLostMs ? []",
      put: "between(since, input.now) < 0 ? []",
      notSimulated: "a host that is skipped too early is as untouched as one that is skipped in time",
    },
    {
      name: "skips hosts while it is blind",
      find: "skipLostMs === undefined || blindness(input) !== undefined",
      put: "skipLostMs === undefined",
      notSimulated: "no promise says of the truth when a coordinator is blind",
    },
  ]),
  ...mutationsOf("rollout/judge-late-host.ts", [
    {
      name: "lets a late host have what was replaced on the others",
      find: ".find((peer) => proven[hostUnit(peer, unit)] !== to)",
      put: ".find(() => false)",
      notSimulated,
    },
    {
      name: "lets a late host have what a later rollout has replaced there",
      find: "if (laterRollout !== undefined)",
      put: "if (laterRollout === undefined && isThere === false)",
      notSimulated,
    },
    {
      name: "lets a late host have what has no good verdict any more",
      find: "if (bad !== undefined)",
      put: "if (bad === unit)",
      notSimulated,
    },
    {
      name: "lets a late host follow while the same is being changed around it",
      find: "if (activeRollout !== undefined) return",
      put: "if (activeRollout === host) return",
      notSimulated,
    },
  ]),
];
