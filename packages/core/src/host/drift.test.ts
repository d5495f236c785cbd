import { expect, test } from "vitest";
import { driftPolicyFor } from "./drift.ts";

test("a site's own policy is that of its copies and its proxy, and the host's that of everything else", () => {
  const intent = { drift: "report", siteDrift: { shop: "heal" } } as const;
  expect(driftPolicyFor(intent, "site:shop")).toBe("heal");
  expect(driftPolicyFor(intent, "proxy:shop")).toBe("heal");
  for (const about of ["site:blog", "proxy:blog", "front", "agent", "host", "site:constructor"] as const) {
    expect(driftPolicyFor(intent, about)).toBe("report");
  }
});

test("drift is healed where nobody says anything, also before the first intent", () => {
  expect(driftPolicyFor({}, "front")).toBe("heal");
  expect(driftPolicyFor(undefined, "site:shop")).toBe("heal");
});
