import { instant, minutes } from "@sluice/core";
import { createManualClock } from "@sluice/runtime";
import { openLog } from "@sluice/runtime/logs/open-log";
import { expect, onTestFinished, test } from "vitest";
import type { CertificateUser, FoundCertificate } from "./find-renewals.ts";
import { startRenewalWatch } from "./start-renewal-watch.ts";

const old = { digest: "old", validUntil: instant(1) };
const renewed = { digest: "renewed", validUntil: instant(2) };
const found = (what: Omit<FoundCertificate, "unit" | "name">): FoundCertificate => ({
  unit: "front",
  name: "shop",
  ...what,
});

/** A watch over what `files` says at each look. */
function watch(files: { now: readonly FoundCertificate[]; users: readonly CertificateUser[] }) {
  const clock = createManualClock();
  const news: string[] = [];
  const watch = startRenewalWatch({
    users: () => files.users,
    look: () => files.now,
    clock,
    log: openLog({ name: "agent", level: "silent" }),
    onChanged: () => news.push("changed"),
  });
  onTestFinished(() => watch[Symbol.asyncDispose]());
  return { clock, news, watch, startedAt: clock.now() };
}

test("a renewed certificate is known a minute later, since then, and what stays the same is no news", async () => {
  const files = { now: [found({ found: old })], users: [] };
  const { clock, news, watch: renewals, startedAt } = watch(files);
  await clock.advance(minutes(3));
  expect(renewals.found).toEqual([{ ...found({ found: old }), since: startedAt }]);
  files.now = [found({ found: renewed })];
  await clock.advance(minutes(3));
  expect(renewals.found).toEqual([{ ...found({ found: renewed }), since: startedAt + minutes(4) }]);
  expect(news).toHaveLength(2);
});

test("a pair that is no good at one look is being written; at two it is no good", async () => {
  const files = { now: [found({ found: old })], users: [] };
  const { clock, watch: renewals } = watch(files);
  files.now = [found({ problem: "its key is another's" })];
  await clock.advance(minutes(1));
  expect(renewals.found).toMatchObject([{ found: old }]);
  files.now = [found({ found: renewed })];
  await clock.advance(minutes(1));
  files.now = [found({ problem: "its key is another's" })];
  await clock.advance(minutes(1));
  expect(renewals.found).toMatchObject([{ found: renewed }]);
  await clock.advance(minutes(1));
  expect(renewals.found).toMatchObject([{ problem: "its key is another's" }]);
});

test("what other proxies are started with is looked at at once", () => {
  const files: Parameters<typeof watch>[0] = { now: [], users: [] };
  const { watch: renewals } = watch(files);
  files.now = [found({ found: old })];
  renewals.moved();
  expect(renewals.found, "the same processes run").toEqual([]);
  files.users = [];
  renewals.moved();
  expect(renewals.found).toMatchObject([{ found: old }]);
});
