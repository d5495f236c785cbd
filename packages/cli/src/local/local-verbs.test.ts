import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { Problem } from "@sluice/core";
import { toServiceError } from "@sluice/protocol";
import { LocalServiceService } from "@sluice/protocol/generated/sluice/local/v1/local";
import { HostObservation } from "@sluice/protocol/generated/sluice/types/v1/host";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCli } from "../program.ts";
import { createTestWorld } from "../testing/test-world.ts";

let folder: string;
let server: Server | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sl-local-"));
});
afterEach(async () => {
  server?.forceShutdown();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

type Call = ServerUnaryCall<unknown, unknown>;
type Answer = sendUnaryData<unknown>;

/** An agent that serves its unix socket below `folder`. */
async function serveAgent(handlers: UntypedServiceImplementation): Promise<void> {
  await mkdir(join(folder, "agent"));
  const agent = new Server();
  server = agent;
  agent.addService(LocalServiceService, handlers);
  await new Promise<void>((resolve, reject) => {
    agent.bindAsync(`unix:${join(folder, "agent", "agent.sock")}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
}

test("local status shows what the agent sees, by unit", async () => {
  const observation = HostObservation.fromPartial({
    host: "web-1",
    generation: 7,
    units: [
      {
        unit: "site:shop",
        desired: "sha256:bbbbbbbbbbbbbbbb",
        installed: ["sha256:aaaaaaaaaaaaaaaa"],
        running: { digest: "sha256:aaaaaaaaaaaaaaaa", version: "2", slot: "blue" },
        proven: "sha256:aaaaaaaaaaaaaaaa",
        reasons: ["waits for a grant"],
      },
    ],
    remarks: ["switched by hand"],
  });
  await serveAgent({
    getStatus: (_: Call, callback: Answer) => callback(null, { observation, coordinatorConnected: false }),
  });
  const world = createTestWorld({ cwd: folder });
  expect(await runCli(["local", "status", "--data", "."], world)).toBe(0);
  expect(world.out()).toBe(`host web-1, generation 7, without a coordinator
UNIT       DESIRED       INSTALLED     RUNNING   PROVEN        REASONS
site:shop  bbbbbbbbbbbb  aaaaaaaaaaaa  2 (blue)  aaaaaaaaaaaa  waits for a grant
! switched by hand
`);
});

test("local revert says who and why, and prints what the agent answers", async () => {
  const asked: unknown[] = [];
  await serveAgent({
    revert: ({ request }: Call, callback: Answer) => {
      asked.push(request);
      callback(null, { sentence: "site shop is back on 1" });
    },
  });
  const world = createTestWorld({ cwd: folder });
  expect(await runCli(["local", "revert", "site:shop", "--data", ".", "--reason", "2 loses orders"], world)).toBe(0);
  expect(asked).toEqual([{ unit: "site:shop", reason: "2 loses orders", by: "anna" }]);
  expect(world.out()).toBe("site shop is back on 1\n");
});

test("a switch that the agent refuses ends with 7 and its words", async () => {
  await serveAgent({
    switch: (_: Call, callback: Answer) =>
      callback(toServiceError(new Problem("verb-refused", "cannot switch site 'shop': the other slot is not ready"))),
  });
  const world = createTestWorld({ cwd: folder });
  expect(await runCli(["local", "switch", "shop", "--data", ".", "--reason", "why not"], world)).toBe(7);
  expect(world.err()).toBe("error: cannot switch site 'shop': the other slot is not ready\n");
});

test("a switch without a reason is a usage error", async () => {
  const world = createTestWorld({ cwd: folder });
  expect(await runCli(["local", "switch", "shop", "--data", "."], world)).toBe(2);
  expect(world.err()).toContain("required option '--reason <text>' not specified");
});

test("no agent on this host ends with 8 and says which socket was tried", async () => {
  const world = createTestWorld({ cwd: folder });
  expect(await runCli(["local", "status", "--data", "."], world)).toBe(8);
  expect(world.err()).toContain(`cannot reach the agent of this host at ${join(folder, "agent", "agent.sock")}`);
});
