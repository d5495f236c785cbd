import { expect, test } from "vitest";
import type { SiteReleaseContent, UnitRelease } from "../intent/intent.ts";
import { seconds } from "../units/time.ts";
import { type BootFacts, type BootUnit, forecastBoot } from "./forecast-boot.ts";

const content: SiteReleaseContent = {
  site: "shop",
  run: { driver: "process", command: ["serve"], env: {} },
  ready: { path: "/", withinMs: seconds(1) },
};
const release = (version: string, run: SiteReleaseContent["run"] = content.run): UnitRelease => ({
  unit: "site:shop",
  version,
  digest: `digest-${version}`,
  content: { ...content, run },
});
const runs = (version: string) => ({ digest: `digest-${version}`, version });
const unit = (unusual: Partial<BootUnit> = {}): BootUnit => ({
  unit: "site:shop",
  running: runs("1.0.0"),
  boots: release("1.0.0"),
  complete: true,
  ...unusual,
});
const quiet: BootFacts = { programs: [], unread: [] };
const sentences = (units: readonly BootUnit[], facts: Partial<BootFacts> = {}) =>
  forecastBoot(units, { ...quiet, ...facts }).map(({ about, kind, sentence }) => `${about} ${kind}: ${sentence}`);

test("a host that runs what is proven comes back as it is", () => {
  const program = { who: "keeper", program: "/usr/bin/node", isReplaced: false };
  const kernel = { running: "6.1.0-25", newest: "6.1.0-25" };
  expect(sentences([unit()], { programs: [program], kernel })).toEqual([]);
});

test("a release on trial, or switched to by hand, would give way to the proven one", () => {
  expect(sentences([unit({ running: runs("2.0.0"), why: "on trial by grant r-1" })])).toEqual([
    "site:shop changes: site shop 1.0.0 would run, which is proven here; 2.0.0 runs now (on trial by grant r-1)",
  ]);
});

test("what runs and was never proven would not come back", () => {
  const { boots: _, ...unproven } = unit();
  expect(sentences([unproven])).toEqual([
    "site:shop changes: site shop would not come back: 1.0.0 runs, and no release of it is proven on this host",
  ]);
  const { running: __, ...nothing } = unproven;
  expect(sentences([nothing])).toEqual([]);
});

test("a proven release without its files would not come back by itself", () => {
  expect(sentences([unit({ complete: false })])).toEqual([
    "site:shop changes: site shop 1.0.0 would come back only with the coordinator's help: its files are gone",
  ]);
});

test("slots that somebody else starts are not ours to answer for; those with a start command are", () => {
  const addresses = { blue: "127.0.0.1:81", green: "127.0.0.1:82" };
  expect(sentences([unit({ boots: release("1.0.0", { driver: "external", addresses }) })])).toEqual([
    "site:shop not-ours: site shop is started by somebody else: whatever comes up at 127.0.0.1:81 and 127.0.0.1:82 is served",
  ]);
  expect(sentences([unit({ boots: release("1.0.0", { driver: "external", addresses, start: ["up"] }) })])).toEqual([]);
});

test("newer files under running processes are named: engine, own code, kernel, whatever asks for a reboot", () => {
  const programs = [
    { who: "proxy-shop-1", program: "/usr/sbin/haproxy", isReplaced: true },
    { who: "agent", program: "/usr/bin/node", isReplaced: false, newerFile: "/opt/sluice/agent/main.ts" },
  ];
  const keeper = { who: "keeper", program: "/usr/bin/node", isReplaced: false, startsInstead: "/opt/2/keeper.mjs" };
  expect(sentences([], { programs: [keeper] })).toEqual([
    "keeper changes: keeper would run other code: /opt/2/keeper.mjs would be started",
  ]);
  const kernel = { running: "6.1.0-25", newest: "6.1.0-28" };
  expect(sentences([], { programs, kernel, rebootAskedFor: ["libc6"], unread: ["cannot read /proc"] })).toEqual([
    "proxy-shop-1 changes: proxy-shop-1 would run another /usr/sbin/haproxy: the file was replaced after it had started",
    "agent changes: agent would run other code: /opt/sluice/agent/main.ts changed after it had started",
    "host changes: kernel 6.1.0-28 would run, which is installed; 6.1.0-25 runs now",
    "host changes: the system asks for a reboot for libc6: what was updated would run",
    "host not-ours: cannot read /proc",
  ]);
});
