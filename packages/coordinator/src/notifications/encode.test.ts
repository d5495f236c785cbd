import { type AlertRecord, instant, type Message, minutes } from "@sluice/core";
import { expect, test } from "vitest";
import { encodeAlert, endedAlert, watchdogAlert } from "./encode-alerts.ts";
import { encodeMessage } from "./encode-message.ts";

const at = (minute: number) => instant(Date.parse("2026-03-12T22:00:00Z") + minutes(minute));
const message: Message = {
  reason: "raised",
  name: "SluiceRolloutHalted",
  severity: "page",
  fleet: "acme",
  at: at(3),
  openedAt: at(3),
  alerts: [
    {
      id: "a-7",
      labels: { rollout: "r-1", site: "shop" },
      sentence: "shop 2 is halted: <!channel> & others answered 400",
      since: at(0),
      isOver: false,
    },
  ],
  more: 0,
};
const title = "[acme] a rollout was halted";
const line = "a-7 shop 2 is halted: <!channel> & others answered 400 (for 3m)";

test("a webhook gets everything, as data and in words", () => {
  const { url, body } = encodeMessage("webhook", new URL("https://hooks.example/x?key=1"), "m-1", message);
  expect(url.href).toBe("https://hooks.example/x?key=1");
  expect(body).toEqual({
    version: 1,
    id: "m-1",
    reason: "raised",
    name: "SluiceRolloutHalted",
    severity: "page",
    fleet: "acme",
    at: "2026-03-12T22:03:00.000Z",
    openedAt: "2026-03-12T22:03:00.000Z",
    title,
    lines: [line, "acknowledge: sluice ack a-7 --reason …"],
    alerts: [
      {
        id: "a-7",
        labels: { rollout: "r-1", site: "shop" },
        sentence: "shop 2 is halted: <!channel> & others answered 400",
        since: "2026-03-12T22:00:00.000Z",
        status: "firing",
      },
    ],
    more: 0,
  });
});

test("Slack gets text in which nothing that somebody wrote calls a whole channel", () => {
  const { body } = encodeMessage("slack", new URL("https://hooks.example/x"), "m-1", message);
  const { text } = body as { readonly text: string };
  expect(text).toContain(`*${title}*\na-7 shop 2 is halted: &lt;!channel&gt; &amp; others`);
  const long = { ...message, alerts: message.alerts.map((one) => ({ ...one, sentence: "x".repeat(9000) })) };
  const cut = encodeMessage("slack", new URL("https://hooks.example/x"), "m-1", long).body as { readonly text: string };
  expect(cut.text.length).toBeLessThan(4000);
});

test("ntfy is told at its root, loudly for a page and softly for its end", () => {
  const url = new URL("https://ntfy.example/sub/on-call");
  const { url: root, body } = encodeMessage("ntfy", url, "m-1", message);
  expect(root.href).toBe("https://ntfy.example/sub");
  expect(body).toMatchObject({ topic: "on-call", title, priority: 5, tags: ["rotating_light"] });
  expect(encodeMessage("ntfy", url, "m-1", { ...message, reason: "resolved" }).body).toMatchObject({ priority: 2 });
  expect(encodeMessage("ntfy", url, "m-1", { ...message, severity: "notice" }).body).toMatchObject({ priority: 3 });
  const long = { ...message, alerts: message.alerts.map((one) => ({ ...one, sentence: "æ".repeat(4000) })) };
  const cut = encodeMessage("ntfy", url, "m-1", long).body as { readonly message: string };
  expect(Buffer.byteLength(cut.message)).toBeLessThan(4000);
});

test("an Alertmanager gets labels that identify the alert, words beside them, and an end that comes if nobody tells again", () => {
  const record: AlertRecord = {
    number: 7,
    alert: {
      name: "SluiceHostSilent",
      labels: { host: "web-1", environment: "production" },
      sentence: "web-1 is silent",
    },
    since: at(0),
    acked: { by: "ada", reason: "on it", at: at(1) },
  };
  const alert = encodeAlert(record, "acme", at(3));
  expect(alert).toEqual({
    labels: {
      alertname: "SluiceHostSilent",
      severity: "page",
      fleet: "acme",
      host: "web-1",
      environment: "production",
    },
    annotations: { summary: "a host is silent", description: "web-1 is silent", id: "a-7", acknowledged: "ada: on it" },
    startsAt: "2026-03-12T22:00:00.000Z",
    endsAt: "2026-03-12T22:08:00.000Z",
  });
  expect(endedAlert(alert, at(4)).endsAt).toBe("2026-03-12T22:04:00.000Z");
  expect(watchdogAlert("acme", at(3), at(0))).toMatchObject({ labels: { alertname: "SluiceWatchdog", fleet: "acme" } });
});
