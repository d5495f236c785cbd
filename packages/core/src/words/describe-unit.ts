import { parseUnit, type UnitKey } from "../intent/intent.ts";

/** `site shop`, `proxy of shop`, `front`, `agent`, `keeper`. */
export function describeUnit(unit: UnitKey): string {
  const parsed = parseUnit(unit);
  if (!("site" in parsed)) return parsed.kind;
  return parsed.kind === "site" ? `site ${parsed.site}` : `proxy of ${parsed.site}`;
}
