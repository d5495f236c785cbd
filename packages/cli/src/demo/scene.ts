import type { LoadReport } from "../load/load-report.ts";
import type { DemoStage } from "./demo-stage.ts";

/**
 * How fast the clock of coordinator and agents goes in the scenes whose end hangs on users: evidence of them comes in blocks of ten
 * seconds, half a second each then.
 */
export const paceTimes = 20;

/** Users of production: enough for some twenty in each block on each way. */
export const usersOfProduction = { environment: "production", requestsPerSecond: 240 } as const;

/** One scene: what is done, and how it has to end. */
export interface Scene {
  readonly name: string;
  readonly expected: string;
  /** The demo as a whole ends within three minutes. */
  readonly deadlineMs: number;
  play(stage: DemoStage): Promise<SceneFindings>;
}

export interface SceneFindings {
  /** What happened, in one sentence. */
  readonly seen: string;
  /** What should have been otherwise, in sentences; empty when the scene ended as it must. */
  readonly wrong: readonly string[];
  readonly load: LoadReport;
  /** How long each host's switch took. */
  readonly switchMs: Readonly<Record<string, number>>;
}

/** A scene as it stands in demo-report.json. */
export interface SceneResult {
  readonly name: string;
  readonly expected: string;
  readonly seen: string;
  readonly ok: boolean;
  readonly wrong: readonly string[];
  readonly sent: number;
  readonly failed: number;
  readonly failures: LoadReport["failures"];
  readonly slowestMs: number;
  readonly switchMs: Readonly<Record<string, number>>;
  readonly seconds: number;
}
