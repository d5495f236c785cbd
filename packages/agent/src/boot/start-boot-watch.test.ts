import { minutes } from "@sluice/core";
import type { BootFacts } from "@sluice/core/host/forecast-boot";
import { createManualClock } from "@sluice/runtime";
import { expect, onTestFinished, test } from "vitest";
import { startBootWatch } from "./start-boot-watch.ts";

const kernel = (newest: string): BootFacts => ({ programs: [], kernel: { running: "1", newest }, unread: [] });

function watch(read: () => Promise<BootFacts>) {
  const clock = createManualClock();
  const news: string[] = [];
  const boot = startBootWatch({ read, clock, onChanged: () => news.push("changed") });
  onTestFinished(() => boot[Symbol.asyncDispose]());
  return { clock, news, boot };
}

test("a change on disk is known a minute later, and what stays the same is no news", async () => {
  let newest = "1";
  const { clock, news, boot } = watch(async () => kernel(newest));
  await clock.advance(minutes(3));
  const first = boot.facts;
  expect(first).toEqual(kernel("1"));
  expect(news).toHaveLength(1);
  newest = "2";
  await clock.advance(minutes(1));
  expect(boot.facts).toEqual(kernel("2"));
  expect(boot.facts).not.toBe(first);
  expect(news).toHaveLength(2);
});

test("a look that fails is told, for silence would read as nothing", async () => {
  const { clock, boot } = watch(async () => {
    throw new Error("the keeper does not answer");
  });
  await clock.advance(minutes(1));
  expect(boot.facts).toEqual({
    programs: [],
    unread: ["nobody can tell which programs would run: the keeper does not answer"],
  });
});
