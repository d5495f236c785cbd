import type { DurationMs } from "@sluice/core";
import { Problem } from "@sluice/core/problems/problem";
import { parseDuration } from "@sluice/core/units/time";
import type { OverrideRequest } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import { type Command, InvalidArgumentError } from "commander";

export interface CoordinatorOptions {
  readonly coordinator?: string;
  readonly json?: boolean;
}

export interface FollowingOptions {
  readonly detach?: boolean;
  readonly timeout?: DurationMs;
}

export interface OverridingOptions {
  readonly reason?: string;
  readonly skipProbesBefore?: boolean;
  readonly override?: readonly string[];
}

/** `--coordinator` and `--json`, on every verb that asks the coordinator. */
export function withCoordinator(command: Command): Command {
  return command
    .option(
      "--coordinator <host:port>",
      "the coordinator (default: SLUICE_COORDINATOR, a running `sluice dev`, 127.0.0.1:7420)",
    )
    .option("--json", "only JSON on stdout, words on stderr");
}

/** `--detach` and `--timeout`, on every verb that follows rollouts. */
export function withFollowing(command: Command): Command {
  return command
    .option("--detach", "start it and leave")
    .option("--timeout <duration>", "leave with exit code 4 when it has not ended by then, for example 10m", duration);
}

/** `--reason`, `--skip-probes-before` and `--override`, on every verb that may switch a check off. */
export function withOverrides(command: Command): Command {
  return withReason(command)
    .option("--skip-probes-before", "activate without asking the new copy first; needs --reason, is recorded and shown")
    .option(
      "--override <gate...>",
      "open these gates for all waves, for example window freeze; needs --reason, is recorded and shown",
    );
}

/** Of `--one-way`, where a release is pushed and where it is deployed. */
export const oneWayHelp =
  "it is not revertible, and why: a regression holds it and calls a person instead of going back; can't be taken back";

export function withReason(command: Command): Command {
  return command.option("--reason <text>", "why; recorded in the event log");
}

/** Parser of a duration option: `30s`, `10m`, `1h30m`. */
export function duration(text: string): DurationMs {
  const parsed = parseDuration(text);
  if (parsed === undefined) throw new InvalidArgumentError("A duration has a unit: 30s, 10m, 1h30m.");
  return parsed;
}

/** Parser of a whole number that is not negative. */
export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("A whole number is needed.");
  return Number(text);
}

/** The overrides asked for; a switched-off check without a reason is refused before anything is sent. */
export function overridesOf(options: OverridingOptions): OverrideRequest[] {
  const { reason = "" } = options;
  const checks = [...(options.skipProbesBefore === true ? ["probes-before"] : []), ...(options.override ?? [])];
  const [first] = checks;
  if (first !== undefined && reason.trim() === "") {
    throw new Problem("reason-missing", `cannot switch off the check '${first}' without a reason`, {
      hint: `say why: ${options.skipProbesBefore === true ? "--skip-probes-before " : ""}--reason "…"`,
    });
  }
  return checks.map((check) => ({ check, reason }));
}
