import fc from "fast-check";
import { expect, test } from "vitest";
import { type Instant, instant, minutes } from "../units/time.ts";
import type { Alert } from "./alert.ts";
import { type AlertRecord, acknowledge, isLoud, noNotifications } from "./alert-record.ts";
import type { NotificationSettings } from "./notification-settings.ts";
import { planNotifications } from "./plan-notifications.ts";

const url = { url: "http://x" };
const settings: NotificationSettings = {
  channels: [
    { name: "phone", kind: "ntfy", address: url },
    { name: "boss", kind: "webhook", address: url },
  ],
  chain: [
    { to: ["phone"], afterMs: minutes(0) },
    { to: ["boss"], afterMs: minutes(10) },
  ],
  notices: ["phone"],
  repeatMs: minutes(30),
};

const held: Alert = { name: "SluiceRolloutHeld", labels: { rollout: "r-1", site: "shop" }, sentence: "held" };
const alerts: readonly Alert[] = [
  held,
  { ...held, labels: { rollout: "r-2", site: "blog" } },
  { name: "SluiceHostSilent", labels: { host: "web-1" }, sentence: "silent" },
  { name: "SluiceHostSilent", labels: { host: "web-2" }, sentence: "silent" },
  { name: "SluiceCoordinatorBlind", labels: {}, sentence: "blind" },
  { name: "SluiceDrift", labels: { host: "web-1" }, sentence: "edited" },
];

/** One look: how many minutes after the last one, what is wrong, which channels fail, what is muted and acknowledged. */
const look = fc.record({
  later: fc.integer({ min: 0, max: 12 }),
  firing: fc.subarray([...alerts]),
  failing: fc.subarray(["phone", "boss"]),
  muted: fc.constantFrom<readonly string[] | undefined>(undefined, undefined, undefined, [], ["shop"]),
  acked: fc.option(fc.integer({ min: 1, max: 8 })),
});

const word = (at: Instant) => ({ by: "ada", reason: "on it", at });

/** Everything that somebody has to hear of now, acknowledged or not. */
const loudIn = (records: readonly AlertRecord[], now: Instant) => records.filter((record) => isLoud(record, now));

test("whatever happens, nothing is told twice for one state, and whatever is loud is told within five minutes", () => {
  fc.assert(
    fc.property(fc.array(look, { minLength: 1, maxLength: 25 }), (looks) => {
      let [now, state] = [instant(0), noNotifications];
      for (const { later, firing, failing, muted, acked } of looks) {
        now = instant(now + minutes(later));
        state = acknowledge(state, ({ number }) => number === acked, word(now));
        const mute = {
          name: "m",
          owner: "o",
          reason: "r",
          by: "b",
          from: now,
          to: instant(now + 1),
          sites: muted ?? [],
        };
        const mutes = muted === undefined ? [] : [mute];
        const input = { now, fleet: "acme", settings, alerts: firing, mutes, failing: new Set(failing) };
        const plan = planNotifications({ ...input, state });
        expect(planNotifications({ ...input, state: plan.state })).toEqual({
          state: plan.state,
          messages: [],
          events: [],
        });
        for (const record of loudIn(plan.state.records, now)) {
          const page = plan.state.pages.find(({ name }) => name === record.alert.name);
          const isJustTold = page !== undefined && now - page.toldAt < minutes(5);
          expect(record.acked !== undefined || record.toldAt !== undefined || isJustTold).toBe(true);
        }
        const quiet = plan.state.records.filter((record) => record.quiet !== undefined);
        expect(quiet.filter(({ toldAt }) => toldAt !== undefined)).toEqual([]);
        ({ state } = plan);
      }
    }),
    { numRuns: 150 },
  );
});
