import { expect, test } from "vitest";
import { studies } from "./studies.ts";

/** Few enough for the gate; the promises are checked at full size by `npm run bench:health`. */
const runs: Readonly<Record<string, number>> = {
  promotion: 40,
  silence: 40,
  "two-references": 6,
  "time-to-halt": 8,
  "short-history": 12,
};

/** With so few runs chance alone may miss a time by more than 10 %. */
const needsFullSize = (promise: string): boolean => promise.includes("+ 10 %");

test.each(studies.map((study) => [study.name, study] as const))(
  "%s: the promises of the rule are kept",
  (name, study) => {
    const { rows, bars } = study.run({ runs: runs[name] ?? 8, seed: 1 });
    expect(rows.length).toBeGreaterThan(0);
    expect(bars.length).toBeGreaterThan(0);
    expect(bars.filter(({ kept, promise }) => !kept && !needsFullSize(promise))).toEqual([]);
  },
);

test("the same seed gives the same tables", () => {
  const study = studies.find(({ name }) => name === "silence");
  const options = { runs: 5, seed: 3 };
  expect(study?.run(options)).toEqual(study?.run(options));
});
