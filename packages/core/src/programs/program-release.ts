import { type AgentProgram, agentUnit, type UnitRelease } from "../intent/intent.ts";
import { canonicalJson } from "../units/canonical-json.ts";

/** A version of the agent as a release; `digest` hashes text with sha256 and answers `sha256:<hex>`. */
export function agentRelease(
  version: string,
  files: AgentProgram["files"],
  digest: (text: string) => string,
): UnitRelease {
  const content: AgentProgram = { kind: "agent-program", version, ...(files === undefined ? {} : { files }) };
  return { unit: agentUnit, version, digest: digest(canonicalJson(content)), content };
}

export const isAgentProgram = (content: UnitRelease["content"]): content is AgentProgram =>
  "kind" in content && content.kind === "agent-program";

/** Whether it stands for the program that was installed by hand, whatever its version is by now. */
export const isInstalledByHand = ({ content }: UnitRelease): boolean =>
  isAgentProgram(content) && content.files === undefined;
