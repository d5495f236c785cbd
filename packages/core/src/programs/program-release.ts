import type { ProgramContent, ProgramUnit, UnitRelease } from "../intent/intent.ts";
import { canonicalJson } from "../units/canonical-json.ts";

/** A version of a program as a release; `digest` hashes text with sha256 and answers `sha256:<hex>`. */
export function programRelease(
  unit: ProgramUnit,
  version: string,
  files: ProgramContent["files"],
  digest: (text: string) => string,
): UnitRelease {
  const content: ProgramContent = { kind: `${unit}-program`, version, ...(files === undefined ? {} : { files }) };
  return { unit, version, digest: digest(canonicalJson(content)), content };
}

export const isProgram = (content: UnitRelease["content"]): content is ProgramContent =>
  "kind" in content && (content.kind === "agent-program" || content.kind === "keeper-program");

/** Whether it stands for the program that was installed by hand, whatever its version is by now. */
export const isInstalledByHand = ({ content }: UnitRelease): boolean =>
  isProgram(content) && content.files === undefined;
