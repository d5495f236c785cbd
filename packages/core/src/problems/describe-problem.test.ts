import { expect, test } from "vitest";
import { describeProblem } from "./describe-problem.ts";
import { Problem } from "./problem.ts";

test("a chain is a line per cause, outermost first, with the hint last", () => {
  const inner = new Problem("proxy-unreachable", "nobody answers on 'x.sock'", {
    hint: "sluice status web-1",
    cause: new Error("connect ECONNREFUSED x.sock"),
  });
  const outer = new Problem("spawn-failed", "cannot start site 'shop'", { cause: inner });
  expect(describeProblem(outer)).toBe(
    "cannot start site 'shop'\n  because: nobody answers on 'x.sock'\n  because: connect ECONNREFUSED x.sock\n  hint: sluice status web-1",
  );
});

test("nothing is said twice, and a chain that bites its tail ends", () => {
  const same = new Error("no space left", { cause: new Error("no space left") });
  expect(describeProblem(same)).toBe("no space left");
  const contained = new Error("cannot write: no space left", { cause: new Error("no space left") });
  expect(describeProblem(contained)).toBe("cannot write: no space left");
  const snake = new Error("snake");
  snake.cause = snake;
  expect(describeProblem(snake)).toBe("snake");
});

test("anything that was thrown can be described", () => {
  expect(describeProblem("text")).toBe("text");
  expect(describeProblem(undefined)).toBe("unknown failure");
  expect(describeProblem(null)).toBe("null");
  expect(describeProblem(new Error("two\n  lines"))).toBe("two lines");
  expect(describeProblem(new AggregateError([new Error("a"), new Error("b")]))).toBe("a; b");
});
