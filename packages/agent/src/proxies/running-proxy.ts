import type { UnitKey } from "@sluice/core";
import type { ProxyStatus } from "@sluice/proxy/control/control-messages";
import type { GivenCertificates } from "../certificates/give-certificates.ts";
import type { RunningProxy } from "../drivers.ts";

/** A proxy process by its own word, and by what it was started with. */
export function runningProxy(
  unit: UnitKey,
  childId: string,
  status: ProxyStatus,
  given: GivenCertificates | undefined,
): RunningProxy {
  const { settingsDigest, build, pid, startedAt, accepting, draining, inFlight, upgrades, remarks } = status;
  return {
    unit,
    childId,
    digest: settingsDigest,
    build,
    pid,
    startedAtMs: startedAt,
    accepting,
    draining,
    slots: status.slots,
    open: { blue: inFlight.blue + upgrades.blue, green: inFlight.green + upgrades.green },
    remarks: [...remarks, ...(given?.remarks ?? [])],
    ...(given === undefined ? {} : { certificates: given.certificates }),
  };
}
