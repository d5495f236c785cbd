import { createServer, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { answerPlain } from "../forwarding/answer-plain.ts";
import { ProxyRequest, ProxyResponse } from "../forwarding/messages.ts";
import { wantsUpgrade } from "../forwarding/request-head.ts";
import type { ClientConnection } from "./connection.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";

export interface ClientServerLimits {
  readonly headersTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly headerBytesMax: number;
  readonly connectionsMax: number;
}

/** What a proxy does with the requests it is given. */
export interface RequestHandler {
  onRequest(req: ProxyRequest, res: ProxyResponse, connection: ClientConnection): void;
  onUpgrade(req: ProxyRequest, socket: Duplex, head: Buffer, connection: ClientConnection): void;
  /** Bytes that are no request; already answered. */
  onMalformed(): void;
}

/** Node looks for slow clients this often; its default of 30 s would make a limit of 10 s one of 40 s. */
const checkEveryMs = 1000;
const malformedStatus: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/**
 * Reads requests from connections that were accepted, announced and decrypted elsewhere. Owns every client connection
 * from then on, so that a drain can wait for them.
 */
export class ClientServer {
  /** Every further answer closes its connection. */
  draining = false;
  readonly #server: Server<typeof ProxyRequest, typeof ProxyResponse>;
  readonly #handler: RequestHandler;
  readonly #connections = new Set<ClientConnection>();
  readonly #bySocket = new WeakMap<Duplex, ClientConnection>();
  readonly #connectionsMax: number;

  constructor(limits: ClientServerLimits, handler: RequestHandler) {
    this.#handler = handler;
    this.#connectionsMax = limits.connectionsMax;
    this.#server = createServer({
      IncomingMessage: ProxyRequest,
      ServerResponse: ProxyResponse,
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(checkEveryMs, Math.max(50, limits.headersTimeoutMs / 2)),
      requireHostHeader: false,
      shouldUpgradeCallback: (req: ProxyRequest) => wantsUpgrade(req),
    });
    this.#server.maxHeadersCount = 0;
    this.#server.on("request", (req, res) => this.#onRequest(req, res));
    this.#server.on("checkContinue", (req, res) => this.#onRequest(req, res));
    this.#server.on("checkExpectation", (req, res) => this.#refuseExpectation(req, res));
    this.#server.on("upgrade", (req, socket, head) => this.#onUpgrade(req, socket, head));
    this.#server.on("connect", (req, socket) => this.#refuseConnect(req, socket));
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket) => this.#onClientError(error, socket));
    // Node begins to time its connections when the server listens; this one is given connections instead.
    this.#server.emit("listening");
  }

  get connections(): ReadonlySet<ClientConnection> {
    return this.#connections;
  }

  /** No room for another connection. */
  get full(): boolean {
    return this.#connections.size >= this.#connectionsMax;
  }

  /** Begins to read requests from a connection. */
  serve(connection: ClientConnection): void {
    const { socket } = connection;
    if (socket.destroyed) return;
    this.#connections.add(connection);
    this.#bySocket.set(socket, connection);
    socket.once("close", () => this.#connections.delete(connection));
    this.#server.emit("connection", socket);
  }

  /** Closes connections that have been idle for `graceMs`; returns how many are left. */
  closeIdle(graceMs: number, now: number): number {
    for (const connection of this.#connections) {
      if (connection.open === 0 && now - connection.idleSince >= graceMs) connection.socket.destroySoon();
    }
    return this.#connections.size;
  }

  /** Cuts whatever is left. */
  close(): void {
    for (const connection of this.#connections) connection.socket.destroy();
    this.#server.close();
  }

  #onRequest(req: ProxyRequest, res: ProxyResponse): void {
    const connection = this.#begin(req, res);
    if (connection !== undefined) this.#handler.onRequest(req, res, connection);
  }

  /** RFC 9110 §10.1.1: what is expected here nobody knows, and a slot is not asked. */
  #refuseExpectation(req: ProxyRequest, res: ProxyResponse): void {
    if (this.#begin(req, res) === undefined) return;
    this.#handler.onMalformed();
    res.shouldKeepAlive = false;
    answerPlain(res, 417, "only 100-continue can be expected here");
  }

  /** Counts the request as open on its connection until its answer is delivered. */
  #begin(req: ProxyRequest, res: ProxyResponse): ClientConnection | undefined {
    const connection = this.#bySocket.get(req.socket);
    if (connection === undefined) {
      req.socket.destroy();
      return undefined;
    }
    connection.open += 1;
    connection.latest = req;
    res.client = connection;
    res.on("close", onAnswered);
    if (this.draining) res.shouldKeepAlive = false;
    return connection;
  }

  #onUpgrade(req: ProxyRequest, socket: Duplex, head: Buffer): void {
    const connection = this.#bySocket.get(req.socket);
    // Behind a request that is not answered yet there is no place for another protocol.
    if (connection === undefined || connection.open > 0) {
      socket.destroy();
      return;
    }
    connection.open += 1;
    this.#handler.onUpgrade(req, socket, head, connection);
  }

  #refuseConnect(req: ProxyRequest, socket: Duplex): void {
    const connection = this.#bySocket.get(req.socket);
    this.#handler.onMalformed();
    if (connection === undefined) socket.destroy();
    else whenAnswered(connection, () => refuseUpgrade(req, socket, 400, "CONNECT is not for a site"));
  }

  /**
   * Bytes that are no request end the connection, but only behind the answers to the requests before them (RFC 9112
   * §9.3.2). In the middle of a body they end the request they belong to.
   */
  #onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    const connection = this.#bySocket.get(socket);
    if (error.code === "ECONNRESET" || !socket.writable || connection === undefined) {
      socket.destroy();
      return;
    }
    if (connection.broken) return;
    connection.broken = true;
    const status = malformedStatus[error.code ?? ""] ?? "400 Bad Request";
    const { latest } = connection;
    if (connection.open > 0 && latest?.complete === false) {
      connection.lastly = () => connection.socket.destroySoon();
      latest.exchange?.onRequestBroken(Number.parseInt(status, 10));
      return;
    }
    this.#handler.onMalformed();
    whenAnswered(connection, () => {
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
    });
  }
}

function onAnswered(this: ProxyResponse): void {
  const { client } = this;
  if (client !== undefined) {
    client.open -= 1;
    client.idleSince = performance.now();
    if (client.open === 0 && !client.socket.destroyed) client.lastly?.();
  }
  this.exchange?.onClientGone();
}

function whenAnswered(connection: ClientConnection, act: () => void): void {
  if (connection.open === 0) act();
  else connection.lastly = act;
}
