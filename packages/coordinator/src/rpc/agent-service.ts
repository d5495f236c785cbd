import type { AgentServiceServer } from "@sluice/protocol/generated/sluice/agent/v1/agent";
import type { Sessions } from "../hosts/sessions.ts";
import type { ArtifactShelf } from "../releases/artifact-shelf.ts";
import { type CallSeams, streaming } from "./calls.ts";

/** What agents may ask. */
export function agentService(sessions: Sessions, artifacts: ArtifactShelf, seams: CallSeams): AgentServiceServer {
  return {
    session: (call) => sessions.serve(call),
    fetchArtifact: streaming(seams, async function* ({ digest }) {
      for await (const chunk of artifacts.read(digest)) yield { chunk };
    }),
  };
}
