import { createServer, Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { CertificateStore } from "../certificates/certificate-store.ts";
import { bindPrivately } from "../control/bind-privately.ts";
import type { ClientServer } from "./client-server.ts";
import { plainAddress } from "./plain-address.ts";
import { type ProxyHeader, readProxyHeader } from "./proxy-protocol.ts";

/** How connections of one socket become client connections. */
export type Accepting =
  /** Clients themselves connect. */
  | { readonly kind: "direct"; readonly bindingPort: number; readonly tls: boolean }
  /** A front or a prober connects and says who the client is. `decrypted`: TLS has ended at the front, which says so. */
  | { readonly kind: "announced"; readonly tls: "decrypted" | ReadonlySet<number> };

interface AcceptorInput {
  readonly accepting: Accepting;
  readonly clients: ClientServer;
  readonly certificates: CertificateStore | undefined;
  /** Longest time until a connection is announced and decrypted. */
  readonly greetingTimeoutMs: number;
}

/** As long as the kernel allows: connections wait here while a proxy restarts. */
const backlog = 4096;

/** Accepts connections of one listening socket and gives them to the client server. */
export class Acceptor {
  readonly #server: Server;
  readonly #input: AcceptorInput;

  constructor(input: AcceptorInput) {
    this.#input = input;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#onAccepted(socket));
  }

  /** Listens on an inherited socket. */
  async listenOn(fd: number): Promise<void> {
    await this.#listen((done) => this.#server.listen({ fd, backlog }, done));
  }

  /** Listens on a unix socket that only its owner can open. */
  async listenPrivatelyAt(path: string): Promise<void> {
    await bindPrivately(this.#server, path);
    this.#server.on("error", () => undefined);
  }

  /** Listens on a port of its own; 0 lets the system choose. Returns the port. */
  async listenAtPort(address: string, port: number): Promise<number> {
    await this.#listen((done) => this.#server.listen({ host: address, port, backlog }, done));
    const bound = this.#server.address();
    return typeof bound === "object" && bound !== null ? bound.port : port;
  }

  /** Accepts no more; connections live on. */
  stop(): void {
    Server.prototype.close.call(this.#server);
  }

  #listen(begin: (done: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      begin(() => {
        this.#server.off("error", reject);
        this.#server.on("error", () => undefined);
        resolve();
      });
    });
  }

  #onAccepted(socket: Socket): void {
    const { accepting, clients } = this.#input;
    if (clients.full) {
      socket.destroy();
      return;
    }
    if (accepting.kind === "announced") {
      this.#awaitAnnouncement(socket, accepting.tls);
      return;
    }
    const from = { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 };
    if (accepting.tls) this.#decrypt(socket, from, accepting.bindingPort);
    else this.#serve(socket, from, accepting.bindingPort, "http");
  }

  #awaitAnnouncement(socket: Socket, tls: "decrypted" | ReadonlySet<number>): void {
    let got: Buffer = Buffer.alloc(0);
    const timer = setTimeout(() => socket.destroy(), this.#input.greetingTimeoutMs).unref();
    const onEnd = (): void => {
      socket.destroy();
    };
    const onData = (data: Buffer): void => {
      got = got.length === 0 ? data : Buffer.concat([got, data]);
      const reading = readProxyHeader(got);
      if (reading.kind === "incomplete") return;
      clearTimeout(timer);
      socket.off("data", onData).off("error", ignore).off("end", onEnd).pause();
      if (reading.kind === "invalid") {
        socket.destroy();
        return;
      }
      if (got.length > reading.length) socket.unshift(got.subarray(reading.length));
      this.#announced(socket, reading.header, tls);
    };
    socket.on("data", onData).on("error", ignore).on("end", onEnd);
    socket.once("close", () => clearTimeout(timer));
  }

  #announced(socket: Socket, header: ProxyHeader, tls: "decrypted" | ReadonlySet<number>): void {
    const port = header.destination.port;
    if (tls !== "decrypted" && tls.has(port)) {
      this.#decrypt(socket, header.source, port);
      return;
    }
    this.#serve(socket, header.source, port, header.tls ? "https" : "http");
    socket.resume();
  }

  #decrypt(socket: Socket, from: { readonly address: string; readonly port: number }, bindingPort: number): void {
    const { certificates } = this.#input;
    if (certificates === undefined) {
      socket.destroy();
      return;
    }
    const secure = new TLSSocket(socket, { isServer: true, ...certificates.options() });
    const timer = setTimeout(() => secure.destroy(), this.#input.greetingTimeoutMs).unref();
    const onError = (): void => {
      secure.destroy();
    };
    secure.on("error", onError);
    secure.once("close", () => {
      clearTimeout(timer);
      socket.destroy();
    });
    secure.once("secure", () => {
      clearTimeout(timer);
      secure.off("error", onError);
      this.#serve(secure, from, bindingPort, "https");
    });
  }

  #serve(
    socket: Socket,
    from: { readonly address: string; readonly port: number },
    bindingPort: number,
    proto: "http" | "https",
  ): void {
    const { address, port } = from;
    this.#input.clients.serve(socket, { clientAddress: address, clientPort: port, bindingPort, proto });
  }
}

const ignore = (): void => undefined;
