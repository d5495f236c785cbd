import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { AgentServiceClient, type FetchArtifactResponse } from "@sluice/protocol/generated/sluice/agent/v1/agent";
import { fromServiceError } from "@sluice/protocol/service-error";
import type { AgentCredentials } from "./agent-credentials.ts";
import { channelOptions } from "./channel-options.ts";

/** Streams the tarball `digest` into `toFile`; its receiver checks the digest. Rejects with `artifact-unknown` or `coordinator-unreachable`. */
export async function fetchArtifact(
  from: { readonly coordinator: string; readonly credentials: AgentCredentials },
  digest: string,
  toFile: string,
  signal: AbortSignal,
): Promise<void> {
  const client = new AgentServiceClient(from.coordinator, from.credentials.channelCredentials(), channelOptions);
  try {
    const call = client.fetchArtifact({ digest });
    const cancel = () => call.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      await pipeline(call, chunks, createWriteStream(toFile), { signal });
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw asProblem(error);
  } finally {
    client.close();
  }
}

async function* chunks(responses: AsyncIterable<FetchArtifactResponse>): AsyncGenerator<Buffer> {
  for await (const { chunk } of responses) yield chunk;
}

/** Failures of the disk stay what they are. */
function asProblem(error: unknown): unknown {
  return error instanceof Error && "metadata" in error ? fromServiceError(error) : error;
}
