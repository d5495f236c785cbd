import {
  type Grant,
  isProgramUnit,
  type ProgramUnit,
  parseUnit,
  type UnitKey,
  type UnitRelease,
} from "../intent/intent.ts";
import { type CertificateSet, sameCertificates } from "../proxying/certificate.ts";
import { otherSlot, type SlotName } from "../proxying/proxy-settings.ts";
import { after, type Instant, minutes } from "../units/time.ts";
import type { ActivationPart, ActivationState } from "./activation.ts";

/** Longest time for getting releases onto the disk, however slow the line; confirm-by bounds it as well. */
const installWithinMs = minutes(30);

export interface CreateActivationInput {
  readonly now: Instant;
  readonly grant: Grant;
  /** Every release known on the host, by digest. */
  readonly releases: Readonly<Record<string, UnitRelease>>;
  /** What is live at this moment, by unit; the slot for site releases. */
  readonly live: Readonly<Record<string, LiveUnit>>;
  /** What proxies and fronts were before what is proven, by unit: a grant that goes back to it takes its certificates as well. */
  readonly before?: Readonly<Record<string, StartedProxy>>;
}

/** A proxy or front by what it was started with. */
export interface StartedProxy {
  /** Digest of its release. */
  readonly release: string;
  readonly certificates: CertificateSet;
}

export interface LiveUnit {
  readonly digest: string;
  readonly slot?: SlotName;
  readonly certificates?: CertificateSet;
}

/** The first state of a grant. A grant for a release that nobody described ends at once, without having touched anything. */
export function createActivation(input: CreateActivationInput): ActivationState {
  const { now, grant } = input;
  const parts = grant.units.map((wanted) => createPart(input, wanted));
  const known = parts.filter((part) => part !== undefined);
  const subject = { grant, since: now, parts: known, notes: [] };
  const program = programOf(grant);
  if (program !== undefined) {
    return refused(subject, now, `the ${program} is changed by a grant of its own; nothing was touched`);
  }
  const unknown = grant.units.find((_, index) => parts[index] === undefined);
  if (unknown === undefined) return { ...subject, phase: "installing", deadline: after(now, installWithinMs) };
  const reason = `the intent grants ${unknown.unit} release ${unknown.digest}, but does not describe it; nothing was touched`;
  return refused(subject, now, reason);
}

const refused = (
  subject: Pick<ActivationState, "grant" | "since" | "parts" | "notes">,
  at: Instant,
  reason: string,
): ActivationState => ({
  ...subject,
  phase: "ended",
  at,
  end: { kind: "failed", touchedTraffic: false, failure: "install", reason },
});

/** The program of Sluice's own that a grant names, if it does: it changes by other steps than what users reach. */
export const programOf = ({ units }: Pick<Grant, "units">): ProgramUnit | undefined =>
  units.map(({ unit }) => unit).find(isProgramUnit);

function createPart(
  { grant, releases, live, before = {} }: CreateActivationInput,
  wanted: { readonly unit: UnitKey; readonly digest: string },
): ActivationPart | undefined {
  const release = releases[wanted.digest];
  if (release === undefined) return undefined;
  const { unit } = wanted;
  const now = live[unit];
  const from = now === undefined ? undefined : releases[now.digest];
  const startWith = grant.kind === "revert" && before[unit]?.release === wanted.digest ? before[unit] : undefined;
  const isAsWanted = now?.digest === wanted.digest && sameCertificates(now.certificates, startWith?.certificates);
  const unchanged = grant.kind !== "restart" && isAsWanted;
  const parsed = parseUnit(unit);
  if (parsed.kind === "agent" || parsed.kind === "keeper") return undefined;
  if (parsed.kind !== "site") {
    const site = parsed.kind === "front" ? {} : { site: parsed.site };
    return {
      ...{ kind: parsed.kind, unit, ...site, release, unchanged },
      ...(startWith === undefined ? {} : { startWith: startWith.certificates }),
      ...(from === undefined ? {} : { from }),
      ...(from === undefined || now?.certificates === undefined ? {} : { fromCertificates: now.certificates }),
    };
  }
  const to = now?.slot === undefined ? "blue" : otherSlot(now.slot);
  const slotBefore = from === undefined || now?.slot === undefined ? {} : { from: { slot: now.slot, release: from } };
  return { kind: "site", unit, site: parsed.site, release, to, ...slotBefore, unchanged };
}
