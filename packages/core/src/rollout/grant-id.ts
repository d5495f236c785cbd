/**
 * A host gets at most one grant forwards and one backwards from a rollout, so rollout, host and direction name it.
 * Planning the same step again, also after a crash, names the same grant: the host does nothing twice.
 */
export function grantId(rollout: string, host: string, direction: "activate" | "revert" | "reboot"): string {
  return `${rollout}/${host}/${direction}`;
}
