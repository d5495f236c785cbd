import { approvalWords } from "../gates/approvals.ts";
import { type Freeze, freezeExtent, freezeWords } from "../gates/freeze.ts";
import { windowWords } from "../gates/time-window.ts";
import { formatDuration } from "../units/time.ts";
import {
  type Certificate,
  type Environment,
  type Fleet,
  type Host,
  pendingAlertMsDefault,
  type WaveSize,
} from "./fleet.ts";
import { changedSettings, type FleetChange, pair, type SettingWords } from "./fleet-change.ts";

/** Changes of everything around the sites: environments and their order, hosts, shared ports, certificates. */
export function diffEnvironments(before: Fleet, after: Fleet): readonly FleetChange[] {
  return [
    ...environments(before, after),
    ...hosts(before, after),
    ...sharedPorts(before, after),
    ...certificates(before, after),
    ...freezes(before, after),
  ];
}

function environments(before: Fleet, after: Fleet): readonly FleetChange[] {
  const { added, removed, kept } = pair(before.environments, after.environments, ({ name }) => name);
  return [
    ...removed.map(
      ({ name }): FleetChange => ({
        kind: "removed",
        of: "environment",
        name,
        sentence: `environment ${name}: removed`,
      }),
    ),
    ...added.map(
      ({ name }): FleetChange => ({ kind: "added", of: "environment", name, sentence: `environment ${name}: added` }),
    ),
    ...reordered(before, after),
    ...kept.flatMap((one) =>
      settingChanges("environment", one.after.name, environmentWords(one.before), environmentWords(one.after)),
    ),
  ];
}

function reordered(before: Fleet, after: Fleet): readonly FleetChange[] {
  const orderOf = (fleet: Fleet, other: Fleet): string =>
    fleet.environments
      .map(({ name }) => name)
      .filter((name) => other.environments.some((environment) => environment.name === name))
      .join(", ");
  const [from, to] = [orderOf(before, after), orderOf(after, before)];
  if (from === to) return [];
  return [
    {
      kind: "reordered",
      of: "environment",
      name: after.name,
      sentence: `environments: order of promotion ${from} → ${to}`,
    },
  ];
}

function settingChanges(
  of: "environment" | "host" | "certificate" | "freeze",
  name: string,
  before: SettingWords,
  after: SettingWords,
): readonly FleetChange[] {
  return changedSettings(before, after).map(({ setting, words }) => ({
    kind: "changed",
    of,
    name,
    setting,
    sentence: `${of} ${name}: ${words}`,
  }));
}

const environmentWords = ({ waves, gates, unconfirmed, drift, pendingAlertMs, ...more }: Environment): SettingWords => [
  ["waves", waves.map(waveWords).join(", ")],
  ["canary", canaryWords(more)],
  ["skipLostAfter", more.skipLostMs === undefined ? "never" : formatDuration(more.skipLostMs)],
  ["gates.soak", formatDuration(gates.soakMs)],
  ["gates.approval", gates.approval.map(approvalWords).join(", ") || "none"],
  ["gates.window", (gates.windows ?? []).map(windowWords).join(" or ") || "always open"],
  ["gates.attended", gates.attendedWithinMs === undefined ? "no" : `within ${formatDuration(gates.attendedWithinMs)}`],
  ["gates.representativeness", yesWords(gates.representativeness)],
  ["gates.coverage", yesWords(gates.coverage)],
  ["gates.monitoring", yesWords(gates.monitoring)],
  ["gates.maxWait", formatDuration(gates.maxWaitMs)],
  ["unconfirmed", unconfirmed],
  ["drift", drift ?? "heal"],
  ["pendingAlertAfter", formatDuration(pendingAlertMs ?? pendingAlertMsDefault)],
];

const yesWords = (asked: boolean | undefined): string => (asked === true ? "yes" : "no");

const canaryWords = ({ canary, hosts }: Pick<Environment, "canary" | "hosts">): string =>
  canary === undefined ? (hosts[0] ?? "none") : canary.kind === "hosts" ? canary.hosts.join(", ") : canary.kind;

const waveWords = (size: WaveSize): string => (size.kind === "hosts" ? `${size.count}` : `${size.percent}%`);

function hosts(before: Fleet, after: Fleet): readonly FleetChange[] {
  const { added, removed, kept } = pair(before.hosts, after.hosts, ({ name }) => name);
  const change = (kind: "added" | "removed", { name, environment }: Host): FleetChange => ({
    kind,
    of: "host",
    name,
    sentence: `host ${name}: ${kind} ${kind === "added" ? "to" : "from"} ${environment}`,
  });
  return [
    ...removed.map((host) => change("removed", host)),
    ...added.map((host) => change("added", host)),
    ...kept.flatMap((one) => settingChanges("host", one.after.name, hostWords(one.before), hostWords(one.after))),
  ];
}

const hostWords = ({ environment, address, ports }: Host): SettingWords => [
  ["environment", environment],
  ["address", address],
  [
    "ports",
    Object.entries(ports)
      .map(([from, to]) => `${from} on ${to}`)
      .join(", ") || "none mapped",
  ],
];

function sharedPorts(before: Fleet, after: Fleet): readonly FleetChange[] {
  const { added, removed } = pair(before.sharedPorts, after.sharedPorts, String);
  return [
    ...removed.map(
      (port): FleetChange => ({
        kind: "removed",
        of: "shared-port",
        name: `${port}`,
        sentence: `shared port ${port}: removed`,
      }),
    ),
    ...added.map(
      (port): FleetChange => ({
        kind: "added",
        of: "shared-port",
        name: `${port}`,
        sentence: `shared port ${port}: added`,
      }),
    ),
  ];
}

function certificates(before: Fleet, after: Fleet): readonly FleetChange[] {
  const { added, removed, kept } = pair(before.certificates, after.certificates, ({ name }) => name);
  return [
    ...removed.map(
      ({ name }): FleetChange => ({
        kind: "removed",
        of: "certificate",
        name,
        sentence: `certificate ${name}: removed`,
      }),
    ),
    ...added.map(
      ({ name }): FleetChange => ({ kind: "added", of: "certificate", name, sentence: `certificate ${name}: added` }),
    ),
    ...kept.flatMap((one) =>
      settingChanges("certificate", one.after.name, certificateWords(one.before), certificateWords(one.after)),
    ),
  ];
}

const certificateWords = ({ certFile, keyFile, renewal }: Certificate): SettingWords => [
  ["cert", certFile],
  ["key", keyFile],
  ["renewal", renewal ?? "rollout"],
];

function freezes(before: Fleet, after: Fleet): readonly FleetChange[] {
  const { added, removed, kept } = pair(before.freezes ?? [], after.freezes ?? [], ({ name }) => name);
  const change = (kind: "added" | "removed", freeze: Freeze): FleetChange => ({
    kind,
    of: "freeze",
    name: freeze.name,
    sentence: `freeze ${freeze.name}: ${kind} (${freezeExtent(freeze)}, ${freezeWords(freeze.when)})`,
  });
  return [
    ...removed.map((freeze) => change("removed", freeze)),
    ...added.map((freeze) => change("added", freeze)),
    ...kept.flatMap((one) =>
      settingChanges("freeze", one.after.name, wordsOfFreeze(one.before), wordsOfFreeze(one.after)),
    ),
  ];
}

const wordsOfFreeze = (freeze: Freeze): SettingWords => [
  ["time", freezeWords(freeze.when)],
  ["extent", freezeExtent(freeze)],
  ["reason", freeze.reason],
  ["owner", freeze.owner],
];
