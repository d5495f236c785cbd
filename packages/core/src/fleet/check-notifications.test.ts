import { expect, test } from "vitest";
import { minutes } from "../units/time.ts";
import { diffFleets } from "./diff-fleets.ts";
import { fleetText, parsed, problemsIn } from "./fleet-text.sample.ts";

const channels =
  'chat: { kind: slack, urlFile: slack-url }, phone: { kind: ntfy, url: "https://ntfy.example/on-call", tokenFile: ntfy }, boss: { kind: webhook, url: "https://hooks.example/x?key=1" }, manager: { kind: alertmanager, url: "http://10.0.0.9:9093" }';
const text = (more: string, these = channels): string =>
  fleetText({ top: `notifications: { channels: { ${these} }, ${more} }` });

test("channels, chain, notices, repeats and the dead man are read", () => {
  const { notifications } = parsed(
    text(
      "chain: [{ to: [chat, phone] }, { to: [boss], after: 10m }], notices: [chat], repeat: 1h, deadMan: { urlFile: ping }",
    ),
  );
  expect(notifications).toEqual({
    channels: [
      { name: "chat", kind: "slack", address: { urlFile: "slack-url" } },
      { name: "phone", kind: "ntfy", address: { url: "https://ntfy.example/on-call" }, tokenFile: "ntfy" },
      { name: "boss", kind: "webhook", address: { url: "https://hooks.example/x?key=1" } },
      { name: "manager", kind: "alertmanager", address: { url: "http://10.0.0.9:9093" } },
    ],
    chain: [
      { to: ["chat", "phone"], afterMs: 0 },
      { to: ["boss"], afterMs: minutes(10) },
    ],
    notices: ["chat"],
    repeatMs: minutes(60),
    deadMan: { urlFile: "ping" },
  });
});

test("without a chain every channel but an Alertmanager is told at once, of notices as well", () => {
  const { notifications } = parsed(fleetText({ top: `notifications: { channels: { ${channels} } }` }));
  expect(notifications?.chain).toEqual([{ to: ["chat", "phone", "boss"], afterMs: 0 }]);
  expect(notifications?.notices).toEqual(["chat", "phone", "boss"]);
  const alone = parsed(
    fleetText({ top: 'notifications: { channels: { m: { kind: alertmanager, url: "http://m:9093" } } }' }),
  );
  expect(alone.notifications?.chain).toEqual([]);
});

test.each([
  [
    "a channel that is not there",
    text("chain: [{ to: [phon] }]"),
    "notifications.chain[0].to[0]: there is no channel 'phon'",
    "did you mean 'phone'?",
  ],
  [
    "an Alertmanager in the chain",
    text("notices: [manager]"),
    "notifications.notices[0]: channel 'manager' is an Alertmanager, which is told of everything and decides itself whom to tell",
    "take it out of here",
  ],
  [
    "a level that is no later",
    text("chain: [{ to: [chat], after: 5m }, { to: [boss], after: 5m }]"),
    "notifications.chain[1]: level 2 of the chain is told no later than the one before it",
    "give it a longer after, or make one level of both",
  ],
  [
    "no address",
    text("repeat: 1h", "a: { kind: slack }"),
    "notifications.channels.a: channel 'a' has no address",
    "give it a url, or a urlFile that holds one",
  ],
  [
    "two addresses",
    text("deadMan: { url: http://x, urlFile: y }"),
    "notifications.deadMan.urlFile: deadMan has two addresses",
    "keep url or urlFile",
  ],
  [
    "a token for slack",
    text("repeat: 1h", "a: { kind: slack, url: http://x, tokenFile: t }"),
    "notifications.channels.a.tokenFile: channel 'a' is sent no token: the URL of a slack channel is its secret",
    "remove it",
  ],
  [
    "a path to a secret",
    text("repeat: 1h", "a: { kind: slack, urlFile: ../shadow }"),
    'notifications.channels.a.urlFile: found the text "../shadow", wanted the name of a file in the coordinator\'s folder of secrets, such as slack-url: letters, digits, dots, _ and -, no path',
    undefined,
  ],
  [
    "an unknown kind",
    text("repeat: 1h", "a: { kind: ntfi, url: http://x }"),
    'notifications.channels.a.kind: found the text "ntfi", wanted alertmanager or webhook or slack or ntfy',
    "did you mean 'ntfy'?",
  ],
  ["an unknown key", text("chains: []"), "notifications.chains: unknown key 'chains'", "did you mean 'chain'?"],
])("%s is told with its place", (_, wrong, sentence, hint) => {
  const problems = problemsIn(wrong);
  expect(problems.map(({ path, sentence: said }) => `${path}: ${said}`)).toEqual([sentence]);
  expect(problems[0]).toMatchObject({ line: 6, ...(hint === undefined ? {} : { hint }) });
});

test("a plan tells what changes of it without showing an address, and activates nothing", () => {
  const before = parsed(text("chain: [{ to: [chat] }]"));
  const after = parsed(
    text(
      "chain: [{ to: [chat] }, { to: [boss], after: 10m }], deadMan: { url: http://secret }",
      channels.replace("key=1", "key=2").replace("slack-url", "other"),
    ),
  );
  const { changes, affected } = diffFleets(before, after);
  expect(changes.map(({ sentence }) => sentence)).toEqual([
    "notifications: channel chat: another address",
    "notifications: channel boss: another address",
    "notifications: chain chat → chat; then boss after 10m",
    "notifications: deadMan added",
  ]);
  expect(affected).toEqual([]);
  expect(diffFleets(after, after).changes).toEqual([]);
});
