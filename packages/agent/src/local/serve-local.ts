import { chmod, rm } from "node:fs/promises";
import { type handleUnaryCall, Server, ServerCredentials } from "@grpc/grpc-js";
import type { HostObservation } from "@sluice/core";
import {
  type GetStatusResponse,
  LocalServiceService,
  type RevertRequest,
  type SwitchRequest,
} from "@sluice/protocol/generated/sluice/local/v1/local";
import { toWireObservation } from "@sluice/protocol/observation-codec";
import { toServiceError } from "@sluice/protocol/service-error";
import type { Running } from "@sluice/runtime";
import { assertSocketPath } from "@sluice/runtime/control/socket-path";
import type { LocalAct } from "./break-glass.ts";

export interface LocalOptions {
  /** Path of the socket; only the owner may connect. */
  readonly path: string;
  readonly observation: () => HostObservation | undefined;
  readonly connected: () => boolean;
  readonly switchSite: (site: string, act: LocalAct) => Promise<string>;
  readonly revertUnit: (unit: string, act: LocalAct) => Promise<string>;
}

/** Status and break-glass acts for whoever may read the agent's folder, coordinator or not. Resolves once it listens. */
export async function serveLocal(options: LocalOptions): Promise<Running> {
  const { path } = options;
  assertSocketPath(path);
  await rm(path, { force: true });
  const server = new Server();
  server.addService(LocalServiceService, {
    getStatus: answer(async (): Promise<GetStatusResponse> => {
      const seen = options.observation();
      return {
        observation: seen === undefined ? undefined : toWireObservation(seen),
        coordinatorConnected: options.connected(),
      };
    }),
    switch: answer(async ({ site, by, reason }: SwitchRequest) => ({
      sentence: await options.switchSite(site, { by, reason }),
    })),
    revert: answer(async ({ unit, by, reason }: RevertRequest) => ({
      sentence: await options.revertUnit(unit, { by, reason }),
    })),
  });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  await chmod(path, 0o600);
  const stopped = Promise.withResolvers<void>();
  return {
    done: stopped.promise,
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
      stopped.resolve();
    },
  };
}

function answer<Request, Response>(work: (request: Request) => Promise<Response>): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    work(call.request).then(
      (response) => callback(null, response),
      (error) => callback(toServiceError(error)),
    );
  };
}
