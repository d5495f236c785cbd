import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createNetServer, type Server as NetServer, type Socket } from "node:net";

export interface TestSlot extends AsyncDisposable {
  readonly port: number;
  readonly server: Server;
}

/** An application server on a port of its own. */
export async function startSlot(listener: RequestListener): Promise<TestSlot> {
  const server = createServer(listener);
  const port = await listenSomewhere(server);
  return {
    port,
    server,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A slot that says exactly the bytes it is told to. */
export async function startRawSlot(
  onConnection: (socket: Socket) => void,
): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createNetServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    onConnection(socket);
  });
  const port = await listenSomewhere(server);
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function listenSomewhere(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("not listening on a port");
  return address.port;
}
