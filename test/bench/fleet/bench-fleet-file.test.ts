import { parseFleetFile } from "@sluice/core";
import { expect, test } from "vitest";
import { benchFleetFile, benchSite } from "./bench-fleet-file.ts";

test("the fleet file of the benchmark is one that Sluice takes, however many sites there are", () => {
  for (const count of [1, 100]) {
    const sites = Array.from({ length: count }, (_, index) => benchSite(index, 21_000 + index));
    const shape = { engine: "haproxy", sites, sharedPort: 20_000, slots: { blue: 1, green: 2 }, version: 1 } as const;
    expect(parseFleetFile([{ file: "bench.yaml", text: benchFleetFile(shape) }])).toMatchObject({ kind: "ok" });
  }
});
