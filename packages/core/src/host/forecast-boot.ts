import type { SiteReleaseContent, UnitKey, UnitRelease } from "../intent/intent.ts";
import { describeUnit } from "../words/describe-unit.ts";

/** One thing that would not be after a reboot of the host as it is now. Of a healthy host at rest there is none. */
export interface BootChange {
  /** A unit, the id of a process, `agent`, `keeper` or `host`. */
  readonly about: string;
  /** `changes`: something else would run, or nothing. `not-ours`: what would run is not for Sluice to say. */
  readonly kind: BootChangeKind;
  readonly sentence: string;
}

export const bootChangeKinds = ["changes", "not-ours"] as const;
export type BootChangeKind = (typeof bootChangeKinds)[number];

/** One unit: what users meet now, and what the host itself remembers as proven and would bring up. */
export interface BootUnit {
  readonly unit: UnitKey;
  readonly running?: { readonly digest: string; readonly version: string };
  readonly boots?: UnitRelease;
  /** Everything that `boots` needs is on the host's own disk. */
  readonly complete: boolean;
  /** Why something else than the proven release runs: the grant it is on trial by, or who switched it. */
  readonly why?: string;
}

/** What the files on the host's disk would start, against what was started from them. */
export interface BootFacts {
  readonly programs: readonly ProgramSeen[];
  readonly kernel?: { readonly running: string; readonly newest: string };
  /** Packages for which the system asks for a reboot; empty when it asks without naming any. Absent: it does not ask. */
  readonly rebootAskedFor?: readonly string[];
  /** What could not be read, in sentences: of that nobody can say that it would not change. */
  readonly unread: readonly string[];
}

/** A running process and the file it was started from. */
export interface ProgramSeen {
  readonly who: string;
  /** Path of the program. */
  readonly program: string;
  /** Another file stands in the program's place, or none. */
  readonly isReplaced: boolean;
  /** The newest file of Sluice's own code that changed after this process had read it. */
  readonly newerFile?: string;
  /** Another file of Sluice's would be started in place of the one that it runs. */
  readonly startsInstead?: string;
}

/** What a reboot would change on one host, by the host's own word; empty when it would come back as it is. */
export function forecastBoot(units: readonly BootUnit[], facts: BootFacts): readonly BootChange[] {
  return [
    ...units.flatMap(unitChanges),
    ...facts.programs.flatMap(programChanges),
    ...systemChanges(facts),
    ...facts.unread.map((sentence): BootChange => ({ about: "host", kind: "not-ours", sentence })),
  ];
}

function unitChanges(one: BootUnit): readonly BootChange[] {
  const { unit, running, boots, complete } = one;
  const name = describeUnit(unit);
  const now = running === undefined ? "nothing runs" : `${running.version} runs`;
  const why = one.why === undefined ? "" : ` (${one.why})`;
  if (boots === undefined) {
    if (running === undefined) return [];
    return [change(unit, `${name} would not come back: ${now}${why}, and no release of it is proven on this host`)];
  }
  if (!complete) {
    return [
      change(unit, `${name} ${boots.version} would come back only with the coordinator's help: its files are gone`),
    ];
  }
  const foreign = notOurs(unit, boots);
  if (running?.digest === boots.digest) return foreign;
  return [change(unit, `${name} ${boots.version} would run, which is proven here; ${now} now${why}`), ...foreign];
}

/** Slots that somebody else starts: what comes up at their addresses is not known before it is there. */
function notOurs(unit: UnitKey, { content }: UnitRelease): readonly BootChange[] {
  if (!isSiteRelease(content) || content.run.driver !== "external" || content.run.start !== undefined) return [];
  const { blue, green } = content.run.addresses;
  const sentence = `${describeUnit(unit)} is started by somebody else: whatever comes up at ${blue} and ${green} is served`;
  return [{ about: unit, kind: "not-ours", sentence }];
}

const isSiteRelease = (content: UnitRelease["content"]): content is SiteReleaseContent => "run" in content;

function programChanges({ who, program, isReplaced, newerFile, startsInstead }: ProgramSeen): readonly BootChange[] {
  if (isReplaced)
    return [change(who, `${who} would run another ${program}: the file was replaced after it had started`)];
  if (startsInstead !== undefined)
    return [change(who, `${who} would run other code: ${startsInstead} would be started`)];
  if (newerFile === undefined) return [];
  return [change(who, `${who} would run other code: ${newerFile} changed after it had started`)];
}

function systemChanges({ kernel, rebootAskedFor }: BootFacts): readonly BootChange[] {
  const changes: BootChange[] = [];
  if (kernel !== undefined && kernel.newest !== kernel.running) {
    changes.push(change("host", `kernel ${kernel.newest} would run, which is installed; ${kernel.running} runs now`));
  }
  if (rebootAskedFor !== undefined) {
    const named = rebootAskedFor.length === 0 ? "" : ` for ${rebootAskedFor.join(", ")}`;
    changes.push(change("host", `the system asks for a reboot${named}: what was updated would run`));
  }
  return changes;
}

const change = (about: string, sentence: string): BootChange => ({ about, kind: "changes", sentence });
