import { expect, test } from "vitest";
import { type KeeperFileInput, planKeeperFile } from "./plan-keeper-file.ts";
import { keeperFileSchema } from "./program-change-schema.ts";
import { programRelease } from "./program-release.ts";

const files = { artifact: "sha256:a", entry: "main.mjs" };
const pushed = programRelease("keeper", "2.0.0", files, () => "two");
const byHand = programRelease("keeper", "1.0.0", undefined, () => "by-hand");
const before = "/opt/sluice-1/keeper.mjs";
const newer = "/opt/sluice-2/keeper.mjs";

const plan = (over: Partial<KeeperFileInput> = {}) =>
  planKeeperFile({
    ...{ file: { version: 1, installed: before }, proven: undefined, own: newer },
    ...{ isAgentInstalled: true, isInstalledThere: true },
    ...over,
  });

test("before anything is proven the keeper of the installed agent is started, and never that of one brought by a rollout", () => {
  expect(plan({ file: { version: 1 } })).toEqual({ version: 1, installed: newer });
  expect(plan()).toEqual({ version: 1, installed: newer });
  expect(plan({ isAgentInstalled: false })).toEqual({ version: 1, installed: before });
  expect(plan({ isAgentInstalled: false, isInstalledThere: false })).toEqual({ version: 1, installed: newer });
});

test("a newer agent brings no newer keeper while the proven one is there", () => {
  const proven = { digest: "by-hand", release: "1.0.0" };
  const kept = plan({ proven: byHand });
  expect(kept).toEqual({ version: 1, proven, installed: before });
  expect(plan({ file: kept })).toEqual(kept);
  expect(plan({ file: kept, isInstalledThere: false })).toEqual({ version: 1, proven, installed: newer });
});

test("what was pushed and proven is started, also by an agent that has lost its memory", () => {
  const told = plan({ proven: pushed });
  expect(told.proven).toEqual({ digest: "two", release: "2.0.0", files });
  expect(plan({ file: told })).toEqual(told);
  expect(keeperFileSchema.parse(JSON.parse(JSON.stringify(told)))).toEqual(told);
});
