import { expect, test } from "vitest";
import { describeFleetProblem } from "./describe-fleet-problem.ts";
import { describeUnit } from "./describe-unit.ts";

const at = { file: "fleet.yaml", line: 12, column: 7 };

test("a problem starts with its place, so that editors and terminals can jump there, and ends with the hint", () => {
  expect(
    describeFleetProblem({
      ...at,
      path: "sites.shop.drain",
      sentence: "found the number 30, wanted a duration",
      hint: "write 30s or 30m",
    }),
  ).toBe("fleet.yaml:12:7: sites.shop.drain: found the number 30, wanted a duration (write 30s or 30m)");
});

test("a path that the sentence names already is not said twice", () => {
  expect(
    describeFleetProblem({ ...at, path: "sites.shop.run", sentence: "sites.shop.run is missing, wanted a map" }),
  ).toBe("fleet.yaml:12:7: sites.shop.run is missing, wanted a map");
  expect(describeFleetProblem({ ...at, path: "", sentence: "the fleet file is empty" })).toBe(
    "fleet.yaml:12:7: the fleet file is empty",
  );
});

test("units have names for people", () => {
  expect([describeUnit("site:shop"), describeUnit("proxy:shop"), describeUnit("front")]).toEqual([
    "site shop",
    "proxy of shop",
    "front",
  ]);
});
