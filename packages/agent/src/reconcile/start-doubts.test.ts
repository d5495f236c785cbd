import type { ObservedHost, ProxySeen } from "@sluice/core";
import { durationMs } from "@sluice/core";
import { expect, test } from "vitest";
import { StartDoubts } from "./start-doubts.ts";

const before = { "proxy-shop-1": "7@100", "proxy-blog-2": "8@100" };
const proxy = (childId: string, pid: number) => ({ childId, pid, startedAtMs: 100 }) as ProxySeen;
const host = (over: Partial<ObservedHost>): ObservedHost => ({ installed: [], slots: [], proxies: [], ...over });
const slow = { unit: "proxy:shop", childId: "proxy-shop-1", isDown: false } as const;

function doubtsAt() {
  let now = 0;
  const doubts = new StartDoubts({ monotonic: () => durationMs(now) });
  const pass = (ms: number): void => {
    now += ms;
  };
  return { doubts, pass };
}

test("a host on which nothing answers in time is not taken for restarted as long as what ran before runs on", () => {
  const { doubts, pass } = doubtsAt();
  expect(doubts.judge(1, before, host({ silent: [slow] }))).toBe("unclear");
  pass(29_000);
  expect(doubts.judge(1, before, host({ silent: [slow] }))).toBe("unclear");
  expect(doubts.judge(1, before, host({ proxies: [proxy("proxy-blog-2", 8)] }))).toBe("settled");
});

test("what stays silent for half a minute counts for nothing", () => {
  const { doubts, pass } = doubtsAt();
  doubts.judge(1, before, host({ silent: [slow] }));
  pass(30_000);
  expect(doubts.judge(1, before, host({ silent: [slow] }))).toBe("cold");
});

test.each([
  ["nothing runs", host({})],
  ["what ran before is down", host({ silent: [{ ...slow, isDown: true }] })],
  ["only others run", host({ proxies: [proxy("proxy-shop-1", 9)] })],
])("a host where %s has restarted", (_, seen) => {
  expect(doubtsAt().doubts.judge(1, before, seen)).toBe("cold");
});

test("a doubt that is raised during a look is settled by the next one only", () => {
  const { doubts } = doubtsAt();
  const { raised } = doubts;
  doubts.raise();
  doubts.settle(raised);
  expect(doubts.judge(raised, before, host({}))).toBe("settled");
  expect(doubts.judge(doubts.raised, before, host({}))).toBe("cold");
});
