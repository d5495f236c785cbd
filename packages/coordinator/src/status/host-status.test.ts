import { type Drift, instant, minutes } from "@sluice/core";
import { expect, test } from "vitest";
import { fleetText, startRig } from "../testing/coordinator-rig.ts";
import { eventually } from "../testing/eventually.ts";

const edited: Drift = {
  kind: "configuration-edited",
  about: "proxy:shop",
  where: "/run/settings.json",
  expected: "sha256:1",
  found: "sha256:2",
  since: instant(Date.now() - minutes(5)),
};

test("what was changed by hand is a unit's state with what differs and since when, and two events; so is what is kept startable", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText().replace("name: acceptance,", "name: acceptance, drift: report,"));
  const at = rig.agent("at-1");
  await operator.untilPhase(await operator.deploy("shop", "1.0.0", "acceptance"), "completed");
  expect(at.intent?.body.drift).toBe("report");
  const units = async () =>
    (await operator.status()).hosts.flatMap(({ host, units: of }) => (host === "at-1" ? of : []));
  const until = instant(Date.now() + minutes(20));
  at.follow({ drifts: [edited], previous: { digest: "d", version: "0.9.0", until } });
  await eventually(async () => (await units()).map(({ unit, condition }) => `${unit} ${condition}`)).toEqual([
    "proxy:shop drifted",
    "site:shop in-sync",
  ]);
  const [proxy, site] = await units();
  expect(proxy?.sentence).toContain(
    "the configuration of proxy of shop was edited by hand: /run/settings.json is sha256:2, expected sha256:1, for 5m",
  );
  expect(site).toMatchObject({ previous: "0.9.0", previousUntilMs: until });
  at.follow({ drifts: [{ ...edited, overSince: instant(Date.now()) }] });
  await eventually(async () => (await units()).every(({ condition }) => condition === "in-sync")).toBe(true);
  const told = async () =>
    (await operator.events()).map(({ kind }) => kind).filter((kind) => kind.startsWith("drift."));
  await eventually(told).toEqual(["drift.found", "drift.over"]);
  await operator.apply(fleetText());
  await eventually(() => at.intent?.body.drift).toBe(undefined);
});
