import { parseUnit, type UnitKey } from "../intent/intent.ts";

/** `site shop`, `proxy of shop`, `front`. */
export function describeUnit(unit: UnitKey): string {
  const parsed = parseUnit(unit);
  if (parsed.kind === "front") return "front";
  return parsed.kind === "site" ? `site ${parsed.site}` : `proxy of ${parsed.site}`;
}
