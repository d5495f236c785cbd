import { after, type Grant, type Instant, minutes, type UnitIntent, type UnitRelease } from "@sluice/core";

/** What an intent says of the units that are proven, granted, or wanted without a grant. */
export function unitIntents(
  proven: readonly UnitRelease[],
  granted: readonly UnitRelease[],
  wanted: readonly UnitRelease[] = [],
): readonly UnitIntent[] {
  const all = [...proven, ...granted, ...wanted];
  return [...new Set(all.map(({ unit }) => unit))].map((unit) => {
    const known = proven.find((release) => release.unit === unit);
    const hold = all.filter((release) => release.unit === unit);
    const desired = wanted.find((release) => release.unit === unit)?.digest;
    return {
      unit,
      ...(known === undefined ? {} : { proven: known }),
      ...(desired === undefined ? {} : { desired }),
      hold,
    };
  });
}

/** A grant of these releases, to be confirmed within a time that no test needs. */
export const grantOf = (id: string, granted: readonly UnitRelease[], now: Instant): Grant => ({
  id,
  rollout: id,
  step: "web-1",
  units: granted.map(({ unit, digest }) => ({ unit, digest })),
  kind: "activate",
  confirmBy: after(now, minutes(10)),
  probesBefore: { kind: "required" },
});
