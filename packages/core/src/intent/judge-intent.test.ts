import { expect, test } from "vitest";
import { judgeIntent } from "./judge-intent.ts";
import { adoptHost, judgeLead } from "./judge-lead.ts";

const have = { maxFence: 3, generation: 7, digest: "d7" };

test.each([
  [{ fence: 3, generation: 8, digest: "d8" }, "apply"],
  [{ fence: 4, generation: 7, digest: "d7" }, "already-applied"],
  [{ fence: 3, generation: 6, digest: "d6" }, "stale"],
  [{ fence: 2, generation: 99, digest: "d99" }, "stale-fence"],
  [{ fence: 4, generation: 7, digest: "other" }, "conflicting"],
] as const)("a host at fence 3 and generation 7 takes %o as %s", (got, kind) => {
  expect(judgeIntent(have, got).kind).toBe(kind);
});

test("a host without a memory obeys", () => {
  expect(judgeIntent(undefined, { fence: 1, generation: 1, digest: "" }).kind).toBe("apply");
});

const issued = { fence: 3, generation: 7, digest: "d7" };

test.each([
  ["remembers what it was sent", have, "lead"],
  ["missed the newest words", { maxFence: 2, generation: 5, digest: "d5" }, "lead"],
  ["obeyed a later generation", { ...have, generation: 8 }, "behind"],
  ["obeyed another text of the same generation", { ...have, digest: "other" }, "behind"],
  ["obeyed a fence under which it was sent nothing", { ...have, maxFence: 4 }, "behind"],
] as const)("towards a host that %s a coordinator with the fence 9 may: %s", (_, memory, kind) => {
  expect(judgeLead({ fence: 9, issued }, "web-1", memory).kind).toBe(kind);
});

test("a host that was never led may be led by anybody", () => {
  expect(judgeLead({ fence: 1, issued: undefined }, "web-1", { maxFence: 0, generation: 0, digest: "" }).kind).toBe(
    "lead",
  );
});

test("a coordinator that knows nothing of an old host is behind it", () => {
  expect(judgeLead({ fence: 9, issued: undefined }, "web-1", have)).toEqual({
    kind: "behind",
    sentence: "host 'web-1' obeys fence 3, the last one this coordinator issued to it is 0",
  });
});

test("adopting a host goes beyond all that it remembers", () => {
  const own = adoptHost({ fence: 2, generation: 3 }, have);
  expect(judgeIntent(have, { ...own, digest: "new" }).kind).toBe("apply");
});
