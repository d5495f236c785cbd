import { expect, test } from "vitest";
import { outcomeOf } from "./outcome.ts";

test.each([
  [200, "ok"],
  [206, "ok"],
  [304, "ok"],
  [301, "redirected"],
  [400, "refused"],
  [421, "refused"],
  [401, "denied"],
  [403, "denied"],
  [404, "not-found"],
  [429, "limited"],
  [500, "failed"],
  [599, "failed"],
  [101, "upgraded"],
  [0, "aborted"],
])("a client that was answered %s counts as %s", (status, outcome) => {
  expect(outcomeOf(status)).toBe(outcome);
});
