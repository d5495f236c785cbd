import { type AddressInfo, createServer, type Socket } from "node:net";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import { Problem } from "@sluice/core";

export interface Listening extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

/**
 * Connections that may queue in the kernel. Node's own default of 511 drops dials when a whole fleet comes back at once,
 * and their retransmissions then take minutes (measured: control-plane §A1).
 */
const backlog = 4096;

/** Gives the gRPC server its connections from a listening socket of our own, because `bindAsync` fixes the backlog. */
export async function listenGrpc(server: Server, host: string, port: number): Promise<Listening> {
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const open = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    socket.on("error", () => socket.destroy());
    injector.injectConnection(socket);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once("error", (cause) => reject(cannotListen(host, port, cause)));
    listener.listen({ host, port, backlog }, resolve);
  });
  const bound = listener.address() as AddressInfo;
  return {
    host: bound.address,
    port: bound.port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      injector.destroy();
      server.forceShutdown();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

function cannotListen(host: string, port: number, cause: unknown): Problem {
  return new Problem("port-taken", `cannot listen on ${host}:${port}`, {
    hint: "pass another address with --listen, or port 0 for any free one",
    cause,
  });
}
