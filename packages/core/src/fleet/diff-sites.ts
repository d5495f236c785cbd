import { canonicalJson } from "../units/canonical-json.ts";
import { formatDuration } from "../units/time.ts";
import type { Binding, Fleet, Probe, Run, Site } from "./fleet.ts";
import { changedSettings, type FleetChange, pair, type SettingWords } from "./fleet-change.ts";
import { healthWords } from "./health-words.ts";

/** Sites added and removed, their settings, bindings and probes. */
export function diffSites(before: Fleet, after: Fleet): readonly FleetChange[] {
  const { added, removed, kept } = pair(before.sites, after.sites, ({ name }) => name);
  const change = (kind: "added" | "removed", { name }: Site): FleetChange => ({
    kind,
    of: "site",
    site: name,
    name,
    sentence: `site ${name}: ${kind}`,
  });
  return [
    ...removed.map((site) => change("removed", site)),
    ...added.map((site) => change("added", site)),
    ...kept.flatMap((one) => [
      ...settings(one.before, one.after),
      ...trialRules(one.before, one.after),
      ...bindings(one.before, one.after),
    ]),
  ];
}

function settings(before: Site, after: Site): readonly FleetChange[] {
  return changedSettings(siteWords(before), siteWords(after)).map(({ setting, words }) => ({
    kind: "changed",
    of: "site",
    site: after.name,
    name: after.name,
    setting,
    sentence: `site ${after.name}: ${words}`,
  }));
}

/** Rules that hold per environment; one sentence for all environments in which the same changes. */
function trialRules(before: Site, after: Site): readonly FleetChange[] {
  const kept = Object.keys(after.health).filter((environment) => before.health[environment] !== undefined);
  const found = new Map<string, { setting: string; words: string; environments: string[] }>();
  for (const environment of kept) {
    for (const { setting, words } of changedSettings(trialWords(before, environment), trialWords(after, environment))) {
      const same = found.get(words) ?? { setting, words, environments: [] };
      found.set(words, { ...same, environments: [...same.environments, environment] });
    }
  }
  return [...found.values()].map(({ setting, words, environments }) => ({
    kind: "changed",
    of: "site",
    site: after.name,
    name: after.name,
    setting,
    sentence: `site ${after.name}${environments.length === kept.length ? "" : ` in ${environments.join(", ")}`}: ${words}`,
  }));
}

const trialWords = ({ onRegression, health }: Site, environment: string): SettingWords => [
  ["onRegression", onRegression[environment] ?? "none"],
  ...(health[environment] === undefined ? [] : healthWords(health[environment])),
];

const siteWords = (site: Site): SettingWords => [
  ["engine", site.engine],
  ...runWords(site.run),
  ["ready.path", site.ready.path],
  ["ready.within", formatDuration(site.ready.withinMs)],
  ["forward.host", site.forward.host],
  ["drain", formatDuration(site.drainMs)],
  ["keepPrevious", formatDuration(site.keepPreviousMs)],
  ["hold", formatDuration(site.holdMs)],
  ["maxUnavailable", `${site.maxUnavailable}`],
  ["maxReverting", `${site.maxReverting ?? site.maxUnavailable * 2}`],
  ["drift", site.drift ?? "as the environment says"],
  ["probes", site.probes.map(probeWords).join("; ")],
];

function runWords(run: Run): SettingWords {
  if (run.driver === "external") {
    const command = (words: readonly string[] | undefined): string =>
      words === undefined ? "none" : JSON.stringify(words);
    return [
      ["run.driver", "external"],
      ["run.addresses", `blue ${run.addresses.blue}, green ${run.addresses.green}`],
      ["run.start", command(run.start)],
      ["run.stop", command(run.stop)],
    ];
  }
  return [
    ["run.driver", "process"],
    ["run.command", JSON.stringify(run.command)],
    ["run.env", canonicalJson(run.env)],
  ];
}

function probeWords({ method, path, expect, contains, timeoutMs, headers, body }: Probe): string {
  const extra = [
    ...(contains === undefined ? [] : [`contains ${JSON.stringify(contains)}`]),
    ...(Object.keys(headers).length === 0 ? [] : [`headers ${canonicalJson(headers)}`]),
    ...(body === undefined ? [] : [`sends ${JSON.stringify(body)}`]),
    `within ${formatDuration(timeoutMs)}`,
  ];
  return `${method} ${path} expects ${expect.join(" or ")}, ${extra.join(", ")}`;
}

interface PlacedBinding {
  readonly environment: string;
  readonly binding: Binding;
}

function bindings(before: Site, after: Site): readonly FleetChange[] {
  const { added, removed, kept } = pair(placed(before), placed(after), ({ environment, binding }) =>
    JSON.stringify([environment, binding.name, binding.port]),
  );
  const change = (kind: "added" | "removed", { environment, binding }: PlacedBinding): FleetChange => ({
    ...bindingChange(after, environment, binding),
    kind,
    sentence: `site ${after.name} in ${environment}: ${binding.kind} binding ${binding.name}:${binding.port} ${kind}`,
  });
  return [
    ...removed.map((one) => change("removed", one)),
    ...added.map((one) => change("added", one)),
    ...kept.flatMap((one) =>
      changedSettings(bindingWords(one.before.binding), bindingWords(one.after.binding)).map(
        ({ setting, words }): FleetChange => ({
          ...bindingChange(after, one.after.environment, one.after.binding),
          kind: "changed",
          setting,
          sentence: `site ${after.name} in ${one.after.environment}: binding ${one.after.binding.name}:${one.after.binding.port} ${words}`,
        }),
      ),
    ),
  ];
}

const bindingChange = (site: Site, environment: string, { name, port }: Binding) =>
  ({ of: "binding", site: site.name, environment, name: `${name}:${port}` }) as const;

const placed = (site: Site): readonly PlacedBinding[] =>
  Object.entries(site.bindings).flatMap(([environment, list]) => list.map((binding) => ({ environment, binding })));

const bindingWords = ({ kind, tls, edge }: Binding): SettingWords => [
  ["kind", kind],
  ["tls", tls ?? "none"],
  ["edge", edge ?? "none"],
];
