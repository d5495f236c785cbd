import { type DurationMs, type Instant, minutes, seconds } from "../units/time.ts";

/** `page`: somebody on call has to know now. `notice`: somebody has to know today. */
export type Severity = "page" | "notice";

interface AlertKind {
  readonly severity: Severity;
  /** How long it has to be true before anybody is told: what heals by itself sooner wakes nobody. */
  readonly holdMs: DurationMs;
  /** A headline for one of them. */
  readonly title: string;
}

const at = (severity: Severity, holdMs: DurationMs, title: string): AlertKind => ({ severity, holdMs, title });
const atOnce = seconds(0);

/** Every alert there is. What a person decided (a pause, an abort, a halt of everything) is none. */
export const alertKinds = {
  SluiceRolloutHalted: at("page", atOnce, "a rollout was halted"),
  SluiceRolloutRefused: at("notice", atOnce, "a rollout was stopped before any user met it"),
  SluiceRolloutHeld: at("page", atOnce, "a rollout was halted and waits for a person"),
  SluiceRevertFailed: at("page", atOnce, "a rollout could not go back"),
  SluiceNoWayBack: at("page", atOnce, "a release that must not be taken back is in trouble"),
  SluiceRolloutPausedByHealth: at("page", atOnce, "everything is ill, not only what was changed"),
  SluiceGateWaiting: at("notice", atOnce, "a rollout waits for a person"),
  SluicePendingActivation: at("notice", atOnce, "an activation is pending for too long"),
  SluiceDrift: at("notice", minutes(1), "a host was changed by hand"),
  SluiceUnitDrifted: at("notice", minutes(1), "something runs that nobody granted"),
  SluiceUnitDown: at("page", minutes(1), "what has to run does not run"),
  SluiceCertificateExpiring: at("notice", atOnce, "a certificate ends soon"),
  SluiceCertificateEnds: at("page", atOnce, "a certificate ends within days, or has ended"),
  SluiceUnitCrashLooping: at("page", atOnce, "a process is started again and again"),
  SluiceHostSilent: at("page", minutes(2), "a host is silent"),
  SluiceCoordinatorBlind: at("page", seconds(30), "the coordinator has lost sight of its hosts"),
  SluiceCoordinatorStandstill: at("page", seconds(10), "the coordinator decides nothing"),
  SluiceChannelFailing: at("page", atOnce, "people cannot be told"),
  SluiceTestPage: at("page", atOnce, "a test page"),
} as const satisfies Record<string, AlertKind>;

export type AlertName = keyof typeof alertKinds;

export const alertNames = Object.keys(alertKinds) as readonly AlertName[];

/** Where it is; every member only where it applies. They identify an alert: the same name and labels are the same alert. */
export interface AlertLabels {
  readonly environment?: string;
  /** Several joined by commas, where a rollout is about several. */
  readonly site?: string;
  readonly host?: string;
  readonly rollout?: string;
  readonly unit?: string;
  readonly channel?: string;
}

/** Something that is wrong at this moment, derived from what is known; it is over when it is not derived any more. */
export interface Alert {
  readonly name: AlertName;
  readonly labels: AlertLabels;
  /** Present tense, with what to do about it where that is a command. */
  readonly sentence: string;
  /** Absent where nobody knows but whoever sees it for the first time. */
  readonly since?: Instant;
}

/** The same for the same name and labels, whatever the sentence says meanwhile. */
export const alertKey = ({ name, labels }: Pick<Alert, "name" | "labels">): string =>
  [
    name,
    ...Object.entries(labels)
      .filter(([, value]) => value !== undefined)
      .map(([label, value]) => `${label}=${value}`)
      .sort(),
  ].join(" ");

export const severityOf = ({ name }: Pick<Alert, "name">): Severity => alertKinds[name].severity;
