import type { LoadReport } from "../load/load-report.ts";
import type { DemoStage } from "./demo-stage.ts";

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
