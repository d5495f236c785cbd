import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";

/** The application id of Zincati, by which it derives its own id from that of the machine. */
const zincatiAppId = "de35106b6ec24688b63afddaa156679b";

/**
 * What Zincati calls the machine of this id: systemd's app-specific id, HMAC-SHA256 of the application's id under the machine's,
 * cut to 16 bytes and marked as a UUID of version 4 (sd-id128). Undefined for what is no machine id.
 */
export function rebootClientIdOf(machineId: string): string | undefined {
  const hex = machineId.trim().replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/i.test(hex)) return undefined;
  const id = createHmac("sha256", Buffer.from(hex, "hex")).update(Buffer.from(zincatiAppId, "hex")).digest();
  id[6] = ((id[6] ?? 0) & 0x0f) | 0x40;
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  return id.toString("hex", 0, 16);
}

/** Of this machine; undefined where it has no id. */
export function readRebootClientId(file = "/etc/machine-id"): string | undefined {
  try {
    return rebootClientIdOf(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
