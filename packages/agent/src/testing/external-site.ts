import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type SlotName, seconds, type UnitRelease } from "@sluice/core";
import { onTestFinished } from "vitest";
import { sealed } from "./agent-world.ts";

/** Two servers that somebody else runs, one for each slot, answering with what they are told to. */
export interface ExternalSite {
  readonly answers: Record<SlotName, { status: number; text: string }>;
  release(version: string, over?: { readonly start?: readonly [string, ...string[]] }): UnitRelease;
}

export async function openExternalSite(): Promise<ExternalSite> {
  const answers = { blue: { status: 200, text: "blue" }, green: { status: 200, text: "green" } };
  const addresses = { blue: await serve(answers.blue), green: await serve(answers.green) };
  return {
    answers,
    release: (version, over = {}) =>
      sealed("site:shop", version, {
        site: "shop",
        run: { driver: "external", addresses, ...over },
        // Also what makes the content, and so the digest, of each version its own.
        ready: { path: `/?${version}`, withinMs: seconds(2) },
      }),
  };
}

async function serve(answer: { readonly status: number; readonly text: string }): Promise<string> {
  const server = createServer((_, response) => response.writeHead(answer.status).end(answer.text));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
