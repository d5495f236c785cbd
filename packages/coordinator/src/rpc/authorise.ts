import { ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import { toServiceError } from "@sluice/protocol";
import { type Authenticate, assertMayCall } from "./principal.ts";

/** Turns calls away before their handler sees them, by the contract's table of roles. */
export function authorise(authenticate: Authenticate): ServerInterceptor {
  return (method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, forward) => {
            try {
              assertMayCall(authenticate(metadata, call.getPeer()), method.path);
              forward(metadata);
            } catch (error) {
              call.sendStatus(toServiceError(error));
            }
          },
        }),
    });
}
