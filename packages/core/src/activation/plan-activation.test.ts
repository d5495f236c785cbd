import { expect, test } from "vitest";
import type { Grant, SiteDuties, UnitRelease } from "../intent/intent.ts";
import type { CertificateSet } from "../proxying/certificate.ts";
import { defaultProxyLimits } from "../proxying/proxy-settings.ts";
import { after, durationMs, instant, minutes, seconds } from "../units/time.ts";
import { activationStateSchema } from "./activation-schema.ts";
import { createActivation, type LiveUnit, type StartedProxy } from "./create-activation.ts";
import { grantProgress } from "./describe-activation.ts";
import { planActivation } from "./plan-activation.ts";
import {
  liveRelease,
  noFacts,
  pass,
  runningProxy,
  runningSlot,
  runUntil,
  type SimulatedHost,
  seenHost,
} from "./testing/simulated-host.ts";

const start = instant(1_000_000);

const siteRelease = (version: string): UnitRelease => ({
  unit: "site:shop",
  version,
  digest: `shop-${version}`,
  content: {
    site: "shop",
    run: { driver: "process", command: ["node", "server.js"], env: {} },
    ready: { path: "/healthz", withinMs: seconds(60) },
  },
});

const proxyRelease = (version: string): UnitRelease => ({
  unit: "proxy:shop",
  version,
  digest: `proxy-${version}`,
  content: {
    site: "shop",
    engine: "node",
    listeners: [],
    behindFront: true,
    bindings: [],
    forward: { host: "preserve", internalName: "shop.internal" },
    limits: defaultProxyLimits,
  },
});

const frontRelease = (version: string): UnitRelease => ({
  unit: "front",
  version,
  digest: `front-${version}`,
  content: { engine: "node", listeners: [], routes: [], limits: defaultProxyLimits },
});

const known = ["1.0.0", "2.0.0"].flatMap((version) => [
  siteRelease(version),
  proxyRelease(version),
  frontRelease(version),
]);
const releases = Object.fromEntries(known.map((release) => [release.digest, release]));

const duties: SiteDuties = {
  site: "shop",
  forward: { host: "preserve" },
  drainMs: seconds(30),
  keepPreviousMs: minutes(30),
  probeEveryMs: seconds(5),
  probeToken: "token",
  probes: [{ path: "/healthz", method: "GET", headers: {}, expect: [200], timeoutMs: seconds(2) }],
  bindings: [
    {
      name: "shop.internal",
      kind: "internal",
      bindingPort: 80,
      address: "127.0.0.1",
      port: 8080,
      tls: false,
      shared: false,
    },
    {
      name: "shop.example.com",
      kind: "public",
      bindingPort: 443,
      address: "127.0.0.1",
      port: 8443,
      tls: true,
      shared: true,
      edge: "https://shop.example.com",
    },
  ],
};

const grantFor = (units: Grant["units"], over: Partial<Grant> = {}): Grant => ({
  id: "r1/web-1/activate",
  rollout: "r1",
  step: "web-1",
  units,
  kind: "activate",
  confirmBy: after(start, minutes(60)),
  probesBefore: { kind: "required" },
  ...over,
});

const siteTo2: Grant["units"] = [{ unit: "site:shop", digest: "shop-2.0.0" }];
const allTo2: Grant["units"] = [
  { unit: "site:shop", digest: "shop-2.0.0" },
  { unit: "proxy:shop", digest: "proxy-2.0.0" },
  { unit: "front", digest: "front-2.0.0" },
];

/** By default a healthy host that runs 1.0.0 of everything in blue. */
function hostWith(grant: Grant, options: { readonly empty?: boolean } = {}): SimulatedHost {
  const empty = options.empty ?? false;
  const blue = runningSlot("shop", "blue", "shop-1.0.0", "1.0.0");
  const live: Record<string, LiveUnit> = {
    "site:shop": { digest: "shop-1.0.0", slot: "blue" },
    "proxy:shop": { digest: "proxy-1.0.0" },
    front: { digest: "front-1.0.0" },
  };
  return {
    now: start,
    state: createActivation({ now: start, grant, releases, live: empty ? {} : live }),
    word: { kind: "held", grant },
    unconfirmed: "revert",
    facts: noFacts,
    duties: { shop: duties },
    installed: new Set(empty ? [] : ["shop-1.0.0", "proxy-1.0.0", "front-1.0.0"]),
    slots: empty ? [] : [blue],
    proxies: empty
      ? []
      : [
          runningProxy("proxy:shop", "old-proxy", "proxy-1.0.0", { live: "blue", blue: blue.target }),
          runningProxy("front", "old-front", "front-1.0.0", { live: "hold" }),
        ],
    silent: [],
    acted: [],
    served: empty ? [] : ["shop-1.0.0"],
    failing: new Map(),
    answer: () => ({ kind: "good", status: 200 }),
  };
}

const bad = { kind: "bad", status: 400, reason: "answered 400 (expected 200)" } as const;

function endOf(world: SimulatedHost) {
  runUntil(world, "ended");
  if (world.state.phase !== "ended") throw new Error("not ended");
  return world.state.end;
}

const runningNow = (world: SimulatedHost) => ({
  slots: world.slots.map(({ slot, digest }) => `${slot} ${digest}`),
  proxies: world.proxies
    .filter((seen) => seen.accepting && !seen.draining)
    .map(({ unit, digest }) => `${unit} ${digest}`),
});

const asBefore = { slots: ["blue shop-1.0.0"], proxies: ["proxy:shop proxy-1.0.0", "front front-1.0.0"] };

test("a site release is installed, started, probed, switched, probed, and drained once confirmed", () => {
  const world = hostWith(grantFor(siteTo2));
  runUntil(world, "provisional");
  expect(runningNow(world).slots).toEqual(["blue shop-1.0.0", "green shop-2.0.0"]);
  expect(liveRelease(world, "shop")).toBe("shop-2.0.0");
  world.word = { kind: "confirmed" };
  runUntil(world, "done");
  expect(runningNow(world).slots).toEqual(["green shop-2.0.0"]);
  expect(world.served).toEqual(["shop-1.0.0", "shop-2.0.0"]);
  expect(world.acted.indexOf("put-slots")).toBeGreaterThan(world.acted.indexOf("probe"));
});

test("the first release on an empty host brings slot, proxy and front up as one transaction", () => {
  const world = hostWith(grantFor(allTo2), { empty: true });
  runUntil(world, "switching");
  expect(world.proxies.every(({ accepting }) => !accepting)).toBe(true);
  runUntil(world, "provisional");
  expect(runningNow(world)).toEqual({
    slots: ["blue shop-2.0.0"],
    proxies: ["proxy:shop proxy-2.0.0", "front front-2.0.0"],
  });
});

test("the front's successor is told where successors of site proxies are, so that the whole new chain is probed", () => {
  const world = hostWith(grantFor(allTo2));
  runUntil(world, "starting-successors");
  pass(world);
  const { now, state, word, unconfirmed, facts } = world;
  const plan = planActivation({ now, state, word, unconfirmed, duties: world.duties, host: seenHost(world), facts });
  const successor = world.proxies.find(({ unit, accepting }) => unit === "proxy:shop" && !accepting);
  expect(plan.actions).toMatchObject([{ unit: "front", routesBeforeAccept: { shop: successor?.childId } }]);
  expect(successor?.slots.live).toBe("green");
});

test.each([
  ["ensure-installed", "install"],
  ["start-slot", "start"],
  ["await-ready", "ready"],
  ["start-successor", "start"],
] as const)("a %s that can't succeed is refused before anything is touched", (action, failure) => {
  const world = hostWith(grantFor(allTo2));
  world.failing.set(action, { sentence: "it broke", retryHelps: false });
  expect(endOf(world)).toEqual({
    kind: "failed",
    touchedTraffic: false,
    failure,
    reason: "it broke; traffic stays on 1.0.0",
  });
  expect(runningNow(world)).toEqual(asBefore);
  expect(world.served).toEqual(["shop-1.0.0"]);
});

test("an install that may succeed later is tried again until it does", () => {
  const world = hostWith(grantFor(siteTo2));
  world.failing.set("ensure-installed", { sentence: "coordinator away", retryHelps: true });
  for (let count = 0; count < 20; count += 1) pass(world);
  expect(world.state.phase).toBe("installing");
  world.failing.clear();
  runUntil(world, "provisional");
});

test("an install that never succeeds ends at its deadline with the last reason", () => {
  const world = hostWith(grantFor(siteTo2));
  world.failing.set("ensure-installed", { sentence: "coordinator away", retryHelps: true });
  expect(endOf(world)).toMatchObject({ failure: "install", reason: "coordinator away; traffic stays on 1.0.0" });
});

test.each(["slot", "proxy", "front"] as const)(
  "a %s that answers badly three times in a row is refused before the switch",
  (hop) => {
    const world = hostWith(grantFor(allTo2));
    world.answer = (order) => (order.target.hop === hop ? bad : { kind: "good", status: 200 });
    const end = endOf(world);
    const binding = hop === "front" ? "shop.example.com" : "shop.internal";
    expect(end).toEqual({
      kind: "failed",
      touchedTraffic: false,
      failure: "probes-before",
      reason: `${binding} via ${hop} answered 400 (expected 200), 3 times in a row; traffic stays on 1.0.0`,
    });
    expect(runningNow(world)).toEqual(asBefore);
    expect(world.served).toEqual(["shop-1.0.0"]);
  },
);

test("a front is not switched while a site behind it comes up, and is refused when that takes too long", () => {
  const [world, never] = [grantFor(allTo2.slice(2)), grantFor(allTo2.slice(2))].map((grant) => hostWith(grant));
  for (const one of [world, never]) {
    if (one === undefined) throw new Error("no host");
    for (const proxy of one.proxies.filter(({ unit }) => unit === "proxy:shop")) proxy.slots = { live: "hold" };
    runUntil(one, "probing-before");
    for (let times = 0; times < 5; times++) pass(one);
    expect(one.state.phase).toBe("probing-before");
    expect(one.acted).not.toContain("probe");
  }
  if (world === undefined || never === undefined) throw new Error("no host");
  const [copy] = world.slots;
  if (copy === undefined) throw new Error("no copy");
  for (const proxy of world.proxies.filter(({ unit }) => unit === "proxy:shop"))
    proxy.slots = { live: "blue", blue: copy.target };
  runUntil(world, "provisional");
  expect(world.acted.indexOf("probe")).toBeLessThan(world.acted.indexOf("accept"));
  expect(endOf(never)).toMatchObject({ failure: "probes-before", touchedTraffic: false });
});

test("a front is not switched before the sites behind it were asked, even while a proxy of theirs is being started again", () => {
  const world = hostWith(grantFor([{ unit: "front", digest: "front-2.0.0" }]));
  runUntil(world, "probing-before");
  const crashed = world.proxies.filter(({ unit }) => unit === "proxy:shop");
  world.proxies = world.proxies.filter((seen) => !crashed.includes(seen));
  const { now, state, word, unconfirmed, facts } = world;
  const plan = planActivation({ now, state, word, unconfirmed, duties: world.duties, host: seenHost(world), facts });
  expect(plan.next.phase).toBe("probing-before");
  expect(plan.actions).toMatchObject([{ kind: "probe", rounds: [{ site: "shop", target: { hop: "front" } }] }]);
  world.proxies.push(...crashed);
  runUntil(world, "provisional");
});

test.each([
  ["binding", { bindings: [] }],
  ["probe", { probes: [] }],
])("a site without a %s to ask is not activated: nothing could prove it", (_, lack) => {
  const grant = grantFor(siteTo2);
  const world = { ...hostWith(grant), duties: { shop: { ...duties, ...lack } } };
  expect(endOf(world)).toMatchObject({ failure: "install" });
  expect(world.acted).toEqual([]);
});

test("two bad answers before a good one do not refuse a release", () => {
  const world = hostWith(grantFor(siteTo2));
  let asked = 0;
  world.answer = () => {
    asked += 1;
    return asked <= 2 ? bad : { kind: "good", status: 200 };
  };
  runUntil(world, "provisional");
});

test("probes that say nothing about the slot never count as good: the deadline refuses the release", () => {
  const world = hostWith(grantFor(siteTo2));
  world.answer = () => ({ kind: "unknown", reason: "prober gave up" });
  expect(endOf(world)).toMatchObject({ kind: "failed", touchedTraffic: false, failure: "probes-before" });
});

test("probes skipped by an override are left out before the switch, with who and why in what the host says", () => {
  const skipped = { kind: "skipped", by: "kari", reason: "probe endpoint is down" } as const;
  const world = hostWith(grantFor(siteTo2, { probesBefore: skipped }));
  world.answer = (order) => (order.target.hop === "slot" ? bad : { kind: "good", status: 200 });
  runUntil(world, "switching");
  expect(JSON.stringify(grantProgress(world.state))).toContain("by order of kari: probe endpoint is down");
  runUntil(world, "provisional");
});

test.each(["listener", "edge"] as const)("a binding that fails via %s after the switch sends traffic back", (hop) => {
  const world = hostWith(grantFor(siteTo2));
  world.answer = (order) => (order.target.hop === hop ? bad : { kind: "good", status: 200 });
  expect(endOf(world)).toMatchObject({ kind: "failed", touchedTraffic: true, failure: "probes-after" });
  expect(runningNow(world)).toEqual(asBefore);
  expect(world.served).toEqual(["shop-1.0.0", "shop-2.0.0", "shop-1.0.0"]);
});

test("a proxy that fails after it took over is replaced by a new process of the proven one", () => {
  const world = hostWith(grantFor(allTo2));
  world.answer = (order) => (order.target.hop === "listener" ? bad : { kind: "good", status: 200 });
  expect(endOf(world)).toMatchObject({ touchedTraffic: true, failure: "probes-after" });
  expect(runningNow(world)).toEqual(asBefore);
  expect(liveRelease(world, "shop")).toBe("shop-1.0.0");
});

/** The successor of the site's proxy runs on and says nothing. */
function hideSuccessor(world: SimulatedHost, isDown: boolean) {
  const successor = world.proxies.find(({ unit, accepting }) => unit === "proxy:shop" && !accepting);
  if (successor === undefined) throw new Error("no successor was started");
  world.proxies = world.proxies.filter((seen) => seen !== successor);
  world.silent.push({ unit: successor.unit, childId: successor.childId, isDown });
  return successor;
}

test.each(["starting-successors", "probing-before"] as const)(
  "a successor that is slow to say how it is while %s is waited for, neither taken for gone nor started twice",
  (phase) => {
    const world = hostWith(grantFor(allTo2.slice(0, 2)));
    runUntil(world, phase);
    if (phase === "starting-successors") pass(world);
    const successor = hideSuccessor(world, false);
    for (let looks = 0; looks < 5; looks += 1) pass(world);
    expect(world.state.phase).toBe(phase);
    world.silent = [];
    world.proxies.push(successor);
    runUntil(world, "provisional");
    expect(world.acted.filter((action) => action === "start-successor")).toHaveLength(1);
  },
);

test("a successor that never says how it is again is given up at the deadline, and one that has ended at once", () => {
  const slow = hostWith(grantFor(allTo2.slice(0, 2)));
  runUntil(slow, "probing-before");
  hideSuccessor(slow, false);
  expect(endOf(slow)).toMatchObject({
    failure: "probes-before",
    reason: "the successor for proxy of shop 2.0.0 runs and does not say how it is; traffic stays on 1.0.0",
  });
  const ended = hostWith(grantFor(allTo2.slice(0, 2)));
  runUntil(ended, "probing-before");
  hideSuccessor(ended, true);
  pass(ended);
  expect(ended.state).toMatchObject({
    phase: "clearing",
    end: { failure: "interrupted", reason: "the successor for proxy of shop 2.0.0 is gone; traffic stays on 1.0.0" },
  });
});

test("a predecessor that hangs does not keep its successor from being started", () => {
  const world = hostWith(grantFor(allTo2.slice(1, 2)));
  runUntil(world, "starting-successors");
  world.proxies = world.proxies.filter(({ childId }) => childId !== "old-proxy");
  world.silent.push({ unit: "proxy:shop", childId: "old-proxy", isDown: false });
  runUntil(world, "probing-before");
  expect(world.acted).toContain("start-successor");
});

test("a predecessor that is down at the switch is ended for good, so that none of its answers passes for its successor's", () => {
  const world = hostWith(grantFor(allTo2.slice(1, 2)));
  runUntil(world, "switching");
  const [old] = world.proxies.filter(({ childId }) => childId === "old-proxy");
  world.proxies = world.proxies.filter((seen) => seen !== old);
  world.silent.push({ unit: "proxy:shop", childId: "old-proxy", isDown: true });
  runUntil(world, "probing-after");
  expect(world.silent).toEqual([]);
  expect(world.acted.indexOf("accept")).toBeLessThan(world.acted.indexOf("remove-proxy"));
});

test("a proxy that is being taken back and has just crashed is ended for good before the slot it would lead to", () => {
  const world = hostWith(grantFor(allTo2.slice(0, 2)));
  runUntil(world, "provisional");
  const bad = world.proxies.find(({ unit, accepting, draining }) => unit === "proxy:shop" && accepting && !draining);
  if (bad === undefined) throw new Error("no proxy took over");
  world.proxies = world.proxies.filter((seen) => seen !== bad);
  world.silent.push({ unit: bad.unit, childId: bad.childId, isDown: true });
  world.word = { kind: "withdrawn" };
  world.acted.length = 0;
  runUntil(world, "ended");
  expect(world.silent).toEqual([]);
  expect(world.acted.indexOf("remove-proxy")).toBeGreaterThanOrEqual(0);
  expect(world.acted.indexOf("remove-proxy")).toBeLessThan(world.acted.indexOf("stop-slot"));
  expect(runningNow(world).slots).toEqual(asBefore.slots);
  expect(runningNow(world).proxies.toSorted()).toEqual(asBefore.proxies.toSorted());
});

test("a successor that waited while another rollout switched the site leads to the copy that is live by then", () => {
  const world = hostWith(grantFor(allTo2.slice(1, 2)));
  while (!world.acted.includes("probe")) pass(world);
  const other = { ...runningSlot("shop", "green", "shop-2.0.0", "2.0.0", 99) };
  world.slots = [other];
  for (const seen of world.proxies.filter(({ accepting }) => accepting))
    seen.slots = { live: "green", green: { ...other.target, release: other.digest } };
  world.acted.length = 0;
  runUntil(world, "provisional");
  expect(world.acted.filter((kind) => kind === "put-slots" || kind === "accept")).toEqual(["put-slots", "accept"]);
  expect(liveRelease(world, "shop")).toBe("shop-2.0.0");
});

test("a proxy that comes back leads to the copy that is live by then, not to the one that was when it was started", () => {
  const world = hostWith(grantFor(allTo2.slice(1, 2)));
  runUntil(world, "provisional");
  world.word = { kind: "withdrawn" };
  world.acted.length = 0;
  while (!world.acted.includes("start-successor")) pass(world);
  const other = { ...runningSlot("shop", "green", "shop-2.0.0", "2.0.0", 99) };
  world.slots = [other];
  for (const seen of world.proxies.filter(({ accepting }) => accepting))
    seen.slots = { live: "green", green: { ...other.target, release: other.digest } };
  runUntil(world, "ended");
  expect(world.acted.indexOf("put-slots")).toBeLessThan(world.acted.indexOf("accept"));
  expect(liveRelease(world, "shop")).toBe("shop-2.0.0");
});

test("a proxy that comes back for another grant and leads to what is being ended is told to lead back", () => {
  const world = hostWith(grantFor(siteTo2));
  runUntil(world, "provisional");
  const onTrial = world.proxies.map(({ slots }) => slots);
  world.word = { kind: "withdrawn" };
  runUntil(world, "clearing");
  for (const [index, slots] of onTrial.entries()) Object.assign(world.proxies[index] ?? {}, { slots });
  expect(liveRelease(world, "shop")).toBe("shop-2.0.0");
  expect(endOf(world)).toEqual({ kind: "withdrawn" });
  expect(runningNow(world)).toEqual(asBefore);
});

test("a proxy that waits for the sockets and leads to what is being ended is told to lead back before that ends", () => {
  const world = hostWith(grantFor(siteTo2));
  runUntil(world, "provisional");
  const [accepting] = world.proxies.filter(({ unit }) => unit === "proxy:shop");
  if (accepting === undefined) throw new Error("nobody accepts");
  const waiting = { ...accepting, childId: "waiting", accepting: false };
  world.proxies.push(waiting);
  world.word = { kind: "withdrawn" };
  world.acted.length = 0;
  expect(endOf(world)).toEqual({ kind: "withdrawn" });
  expect(world.proxies.find(({ childId }) => childId === "waiting")?.slots.live).toBe("blue");
  expect(world.acted.filter((kind) => kind === "put-slots" || kind === "stop-slot")).toEqual([
    ...["put-slots", "put-slots", "stop-slot"],
  ]);
});

test("a copy that users are led to again is not ended, though its grant and that of its proxy were withdrawn", () => {
  const world = hostWith(grantFor(allTo2.slice(0, 2)));
  runUntil(world, "provisional");
  const onTrial = world.proxies.find(({ unit, draining }) => unit === "proxy:shop" && !draining)?.slots;
  if (onTrial === undefined) throw new Error("nobody accepts");
  world.word = { kind: "withdrawn" };
  runUntil(world, "clearing");
  const [back] = world.proxies.filter(({ unit, draining }) => unit === "proxy:shop" && !draining);
  Object.assign(back ?? {}, { slots: onTrial });
  expect(liveRelease(world, "shop")).toBe("shop-2.0.0");
  world.acted.length = 0;
  expect(endOf(world)).toEqual({ kind: "withdrawn" });
  expect(world.acted).not.toContain("stop-slot");
  expect(liveRelease(world, "shop")).toBe("shop-2.0.0");
});

/** The other grant of a site, for its proxy, let its successor accept by the slots of a moment ago. */
function letOldSlotsAccept(world: SimulatedHost): void {
  const [accepting] = world.proxies.filter(({ unit, draining }) => unit === "proxy:shop" && !draining);
  if (accepting === undefined) throw new Error("nobody accepts");
  const slots = { ...accepting.slots, live: "blue" } as const;
  world.proxies.push({ ...accepting, childId: "successor", digest: "proxy-2.0.0", slots });
  accepting.draining = true;
  world.acted.length = 0;
}

test.each(["probing-after", "provisional"] as const)(
  "a proxy that takes over in %s and leads to the copy of before is told to lead to the one on trial",
  (phase) => {
    const world = hostWith(grantFor(siteTo2));
    runUntil(world, phase);
    letOldSlotsAccept(world);
    expect(liveRelease(world, "shop")).toBe("shop-1.0.0");
    pass(world);
    expect(world.acted).toEqual(["put-slots"]);
    expect(liveRelease(world, "shop")).toBe("shop-2.0.0");
    runUntil(world, "provisional");
    world.word = { kind: "confirmed" };
    world.proxies = world.proxies.filter(({ draining }) => !draining);
    runUntil(world, "done");
  },
);

test("a proxy that waits for the sockets by another grant is told of the switch as well", () => {
  const world = hostWith(grantFor(siteTo2));
  const [accepting] = world.proxies.filter(({ unit }) => unit === "proxy:shop");
  if (accepting === undefined) throw new Error("nobody accepts");
  world.proxies.push({ ...accepting, childId: "waiting", digest: "proxy-2.0.0", accepting: false });
  runUntil(world, "provisional");
  expect(world.proxies.find(({ childId }) => childId === "waiting")?.slots.live).toBe("green");
});

test("a release on trial to which users can't be led again goes back, and a one-way one is tried on", () => {
  const [world, oneWay] = [grantFor(siteTo2), grantFor(siteTo2, { oneWay: "orders are split" })].map((grant) =>
    hostWith(grant),
  );
  for (const one of [world, oneWay]) {
    if (one === undefined) throw new Error("no host");
    runUntil(one, "provisional");
    letOldSlotsAccept(one);
    one.failing.set("put-slots", { sentence: "no answer", retryHelps: true });
    for (let times = 0; times < 5; times++) pass(one);
    one.failing.clear();
  }
  expect(world?.state).toMatchObject({ end: { failure: "switch" } });
  expect(oneWay?.state.phase).toBe("provisional");
});

test("a first release that fails after the switch leaves nothing behind", () => {
  const world = hostWith(grantFor(allTo2), { empty: true });
  world.answer = (order) => (order.target.hop === "listener" ? bad : { kind: "good", status: 200 });
  expect(endOf(world)).toMatchObject({ touchedTraffic: true });
  expect(runningNow(world)).toEqual({ slots: [], proxies: [] });
  expect(world.proxies).toEqual([]);
});

test("an edge that never leads to this host is recorded and not held against the release", () => {
  const world = hostWith(grantFor(siteTo2));
  world.answer = (order) =>
    order.target.hop === "edge" ? { kind: "unknown", reason: "answered by web-2" } : { kind: "good", status: 200 };
  runUntil(world, "provisional");
  expect(world.state.notes).toEqual([
    "GET /healthz of shop.example.com via edge has no answer of this host: answered by web-2",
  ]);
});

test.each(["put-slots", "accept"] as const)("a %s that does not come into force goes back", (action) => {
  const world = hostWith(grantFor(action === "accept" ? allTo2 : siteTo2));
  runUntil(world, "switching");
  world.failing.set(action, { sentence: "no answer", retryHelps: true });
  runUntil(world, "restoring");
  world.failing.clear();
  expect(endOf(world)).toMatchObject({ failure: "switch", reason: "no answer; traffic goes back to 1.0.0" });
  expect(runningNow(world)).toEqual(asBefore);
});

test("an activation that nobody confirms is undone by the host itself", () => {
  const world = hostWith(grantFor(siteTo2));
  expect(endOf(world)).toEqual({ kind: "unconfirmed" });
  expect(world.now).toBeGreaterThanOrEqual(after(start, minutes(60)));
  expect(runningNow(world)).toEqual(asBefore);
});

test("where unconfirmed activations are kept, confirm-by changes nothing", () => {
  const world = hostWith(grantFor(siteTo2));
  world.unconfirmed = "keep";
  runUntil(world, "provisional");
  world.now = after(start, minutes(120));
  pass(world);
  expect(world.state.phase).toBe("provisional");
});

test("a one-way release that users have met stays, whether nobody confirms it, it crashes or its probes fail, until it is withdrawn", () => {
  const grant = grantFor(siteTo2, { oneWay: "orders are split" });
  const unconfirmed = hostWith(grant);
  runUntil(unconfirmed, "provisional");
  unconfirmed.now = after(start, minutes(61));
  expect(unconfirmed.now).toBeGreaterThan(grant.confirmBy);
  pass(unconfirmed);
  expect(unconfirmed.state.phase).toBe("provisional");
  for (const slot of unconfirmed.slots) if (slot.slot === "green") slot.restarts = 3;
  pass(unconfirmed);
  expect(unconfirmed.state.phase).toBe("provisional");
  const failing = hostWith(grant);
  failing.answer = ({ target }) => (target.hop === "listener" ? bad : { kind: "good", status: 200 });
  runUntil(failing, "provisional");
  for (const world of [unconfirmed, failing]) {
    expect(liveRelease(world, "shop")).toBe("shop-2.0.0");
    world.word = { kind: "withdrawn" };
    runUntil(world, "ended");
    expect(liveRelease(world, "shop")).toBe("shop-1.0.0");
  }
  expect(failing.state.notes.join()).toMatch(/400.*not taken back, because it is one-way: orders are split/);
});

test("a grant whose confirm-by passed before the switch is never switched, not even where unconfirmed ones are kept", () => {
  const world = hostWith(grantFor(siteTo2));
  world.unconfirmed = "keep";
  world.failing.set("ensure-installed", { sentence: "away", retryHelps: true });
  world.now = after(start, minutes(61));
  expect(endOf(world)).toEqual({ kind: "unconfirmed" });
  expect(world.served).toEqual(["shop-1.0.0"]);
});

const phases = ["installing", "starting", "awaiting-ready", "starting-successors", "probing-before"] as const;

test.each([...phases, "switching", "probing-after", "provisional"] as const)(
  "a grant withdrawn while %s leaves the host as it was",
  (phase) => {
    const world = hostWith(grantFor(allTo2));
    runUntil(world, phase);
    world.word = { kind: "withdrawn" };
    expect(endOf(world)).toEqual({ kind: "withdrawn" });
    expect(runningNow(world)).toEqual(asBefore);
  },
);

test.each(phases)("a grant withdrawn while %s is prepared no further", (phase) => {
  const world = hostWith(grantFor(allTo2));
  runUntil(world, phase);
  world.word = { kind: "withdrawn" };
  pass(world);
  expect([...phases, "switching"]).not.toContain(world.state.phase);
});

test.each(["switching", "probing-after", "provisional"] as const)(
  "a host that comes up cold while %s goes back to what was proven",
  (phase) => {
    const world = hostWith(grantFor(allTo2));
    runUntil(world, phase);
    world.slots = [];
    world.proxies = [];
    world.facts = { ...noFacts, cold: true };
    expect(endOf(world)).toMatchObject({ kind: "failed", failure: "interrupted" });
    expect(runningNow(world)).toEqual(asBefore);
  },
);

test("a host that comes up cold before the switch ends the grant without having touched traffic", () => {
  const world = hostWith(grantFor(siteTo2));
  runUntil(world, "probing-before");
  world.slots = [];
  world.proxies = [];
  world.facts = { ...noFacts, cold: true };
  expect(endOf(world)).toMatchObject({ failure: "interrupted", touchedTraffic: false });
});

test("a provisional copy that crashes three times is not kept", () => {
  const world = hostWith(grantFor(siteTo2));
  runUntil(world, "provisional");
  for (const slot of world.slots) if (slot.slot === "green") slot.restarts = 3;
  expect(endOf(world)).toMatchObject({
    failure: "crashed",
    reason: "shop 2.0.0 crashed 3 times; traffic goes back to 1.0.0",
  });
});

test("a restart of a site runs the same release in the other slot", () => {
  const world = hostWith(grantFor([{ unit: "site:shop", digest: "shop-1.0.0" }], { kind: "restart" }));
  runUntil(world, "provisional");
  world.word = { kind: "confirmed" };
  runUntil(world, "done");
  expect(runningNow(world).slots).toEqual(["green shop-1.0.0"]);
});

test("a restart of a proxy replaces its process by one with the same settings", () => {
  const world = hostWith(grantFor([{ unit: "proxy:shop", digest: "proxy-1.0.0" }], { kind: "restart" }));
  runUntil(world, "provisional");
  world.word = { kind: "confirmed" };
  runUntil(world, "done");
  expect(world.proxies.filter(({ unit }) => unit === "proxy:shop").map(({ childId }) => childId)).not.toContain(
    "old-proxy",
  );
  expect(runningNow(world).proxies.toSorted()).toEqual(["front front-1.0.0", "proxy:shop proxy-1.0.0"]);
});

test("a release that is live already is only probed", () => {
  const world = hostWith(grantFor([{ unit: "site:shop", digest: "shop-1.0.0" }]));
  runUntil(world, "provisional");
  expect(new Set(world.acted)).toEqual(new Set(["probe"]));
});

test("the old slot is stopped only when nobody uses it, or at the drain limit", () => {
  const world = hostWith(grantFor(siteTo2));
  runUntil(world, "provisional");
  const [proxy] = world.proxies;
  if (proxy !== undefined) proxy.open = { blue: 1, green: 4 };
  world.word = { kind: "confirmed" };
  runUntil(world, "draining");
  const since = world.now;
  runUntil(world, "done");
  expect(world.now - since).toBeGreaterThanOrEqual(durationMs(30_000));
});

test("a grant for a release that nobody described ends without touching anything", () => {
  const world = hostWith(grantFor([{ unit: "site:shop", digest: "shop-9.9.9" }]));
  expect(endOf(world)).toMatchObject({ kind: "failed", touchedTraffic: false, failure: "install" });
});

test("a confirm-by that is prolonged counts", () => {
  const grant = grantFor(siteTo2);
  const world = hostWith(grant);
  runUntil(world, "provisional");
  world.word = { kind: "held", grant: { ...grant, confirmBy: after(start, minutes(600)) } };
  world.now = after(start, minutes(120));
  pass(world);
  expect(world.state.phase).toBe("provisional");
});

test("every state survives being written down and read back", () => {
  const world = hostWith(grantFor(allTo2));
  for (let count = 0; count < 60; count += 1) {
    expect(activationStateSchema.parse(JSON.parse(JSON.stringify(world.state)))).toEqual(world.state);
    pass(world);
    if (world.state.phase === "provisional") world.word = { kind: "confirmed" };
  }
  expect(world.state.phase).toBe("done");
});

test("planning twice from the same state and host gives the same plan", () => {
  const world = hostWith(grantFor(allTo2));
  for (let count = 0; count < 40; count += 1) {
    const { now, state, word, unconfirmed, facts } = world;
    const input = { now, state, word, unconfirmed, duties: world.duties, host: seenHost(world), facts };
    expect(planActivation(input)).toEqual(planActivation(input));
    pass(world);
  }
});

const certified = (digest: string): CertificateSet => ({ shop: { digest, validUntil: after(start, minutes(60)) } });
const restartProxy = grantFor([{ unit: "proxy:shop", digest: "proxy-1.0.0" }], { kind: "restart" });

/** The proxy presents the old certificate, and the renewed one lies in its files. */
function renewedHost(grant: Grant, before?: StartedProxy): SimulatedHost {
  const world = hostWith(grant);
  for (const seen of world.proxies) seen.certificates = certified("old");
  world.files = certified("renewed");
  const live = { "proxy:shop": { digest: "proxy-1.0.0", certificates: certified("old") } };
  world.state = createActivation({
    now: start,
    grant,
    releases,
    live,
    ...(before && { before: { "proxy:shop": before } }),
  });
  return world;
}

const presented = (world: SimulatedHost) =>
  world.proxies
    .filter(({ unit, accepting, draining }) => unit === "proxy:shop" && accepting && !draining)
    .map(({ certificates }) => certificates?.["shop"]?.digest);

test("a restart takes the certificate that lies in its files, and what it presents then is what is confirmed", () => {
  const world = renewedHost(restartProxy);
  runUntil(world, "provisional");
  expect(presented(world)).toEqual(["renewed"]);
  expect(world.state.parts).toMatchObject([{ startedWith: certified("renewed"), fromCertificates: certified("old") }]);
  world.files = certified("renewed again");
  world.word = { kind: "confirmed" };
  runUntil(world, "done");
  expect(presented(world)).toEqual(["renewed"]);
  expect(activationStateSchema.parse(JSON.parse(JSON.stringify(world.state)))).toEqual(world.state);
});

test("a restart that is taken back presents the certificate of before, whatever lies in its files", () => {
  const world = renewedHost(restartProxy);
  runUntil(world, "provisional");
  world.word = { kind: "withdrawn" };
  runUntil(world, "ended");
  expect(presented(world)).toEqual(["old"]);
});

test("a successor that was left waiting with the new certificate is not what comes back", () => {
  const world = renewedHost(restartProxy);
  runUntil(world, "provisional");
  const waiting = runningProxy("proxy:shop", "left-over", "proxy-1.0.0", { live: "hold" });
  world.proxies.push({ ...waiting, accepting: false, certificates: certified("renewed") });
  world.word = { kind: "withdrawn" };
  runUntil(world, "ended");
  expect(presented(world)).toEqual(["old"]);
  expect(world.proxies.map(({ childId }) => childId)).not.toContain("left-over");
});

test("a grant that goes back to the same release goes back to its certificates", () => {
  const grant = grantFor(restartProxy.units, { kind: "revert" });
  const world = renewedHost(grant, { release: "proxy-1.0.0", certificates: certified("before") });
  runUntil(world, "provisional");
  expect(presented(world)).toEqual(["before"]);
  const unknown = renewedHost(grant);
  runUntil(unknown, "provisional");
  expect(unknown.acted, "nothing else is known of that time").not.toContain("start-successor");
});
