import type { handleClientStreamingCall } from "@grpc/grpc-js";
import { Problem } from "@sluice/core";
import { toServiceError } from "@sluice/protocol";
import type {
  PushReleaseOpen,
  PushReleaseRequest,
  PushReleaseResponse,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { AgentProgramsDesk } from "../releases/agent-programs-desk.ts";
import type { ReleaseDesk } from "../releases/release-desk.ts";
import { type CallSeams, callerOf } from "./calls.ts";

/** First `open`, then chunks. The stream is read no faster than the disk takes it. */
export function pushRelease(
  { releases, agents }: { readonly releases: ReleaseDesk; readonly agents: AgentProgramsDesk },
  seams: CallSeams,
): handleClientStreamingCall<PushReleaseRequest, PushReleaseResponse> {
  return (call, callback) => {
    const caller = callerOf(call, seams);
    const answer = async (): Promise<PushReleaseResponse> => {
      const messages = (call as AsyncIterable<PushReleaseRequest>)[Symbol.asyncIterator]();
      const open = await readOpen(messages);
      const by = caller.principal.name;
      const { agentEntry: entry, ...pushed } = open;
      const chunks = chunksOf(messages);
      const { existed } =
        entry === undefined
          ? await releases.push({ ...pushed, by }, chunks)
          : await agents.push({ ...pushed, entry, by }, chunks);
      return { digest: open.digest, existed };
    };
    answer().then(
      (response) => callback(null, response),
      (error: unknown) => {
        seams.onFailure(error, call.getPath());
        callback(toServiceError(error));
      },
    );
  };
}

async function readOpen(messages: AsyncIterator<PushReleaseRequest>): Promise<PushReleaseOpen> {
  const first = await messages.next();
  const message = first.done === true ? undefined : first.value.message;
  if (message?.$case === "open") return message.value;
  throw new Problem("message-invalid", "cannot push release: its first message is not 'open'");
}

async function* chunksOf(messages: AsyncIterator<PushReleaseRequest>): AsyncIterable<Uint8Array> {
  for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
    if (next.value.message?.$case !== "chunk")
      throw new Problem("message-invalid", "cannot push release: a message after 'open' is not a chunk");
    yield next.value.message.value;
  }
}
