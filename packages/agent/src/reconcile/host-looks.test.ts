import { durationMs, type ObservedHost } from "@sluice/core";
import { expect, test } from "vitest";
import type { HostDrivers } from "./host-drivers.ts";
import { HostLooks } from "./host-looks.ts";

/** A host that answers a look only when it is told to. */
function slowHost() {
  const asked: PromiseWithResolvers<readonly string[]>[] = [];
  const drivers = {
    installer: {
      installed: () => {
        const look = Promise.withResolvers<readonly string[]>();
        asked.push(look);
        return look.promise;
      },
    },
    slots: { list: async () => [] },
    proxies: { list: async () => [], silent: async () => [] },
  } as unknown as HostDrivers;
  let now = 0;
  const clock = {
    monotonic: () => {
      now += 1;
      return durationMs(now);
    },
  };
  const seen = (host: ObservedHost): readonly string[] => host.installed;
  return { looks: new HostLooks(drivers, clock), asked, seen };
}

test("a hundred who ask while two looks are under way share the next one, which begins after they asked", async () => {
  const { looks, asked, seen } = slowHost();
  const first = looks.fresh();
  await expect.poll(() => asked.length).toBe(1);
  const second = looks.fresh();
  await expect.poll(() => asked.length).toBe(2);
  const many = Array.from({ length: 100 }, () => looks.fresh());
  asked[0]?.resolve(["before"]);
  await first;
  await expect.poll(() => asked.length).toBe(3);
  asked[2]?.resolve(["after"]);
  const answers = await Promise.all(many);
  expect(new Set(answers.map(({ host }) => seen(host)))).toEqual(new Set([["after"]]));
  asked[1]?.resolve(["meanwhile"]);
  expect(answers[0]?.askedAt).toBeGreaterThan((await second).askedAt);
});

test("a look that fails fails for those who share it, and for nobody after", async () => {
  const { looks, asked } = slowHost();
  const sharing = [looks.fresh(), looks.fresh()];
  await expect.poll(() => asked.length).toBe(1);
  asked[0]?.reject(new Error("no keeper"));
  const ends = await Promise.allSettled(sharing);
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const next = looks.fresh();
  await expect.poll(() => asked.length).toBe(2);
  asked[1]?.resolve([]);
  expect((await next).host.proxies).toEqual([]);
});
