import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ResponseHead } from "../upstream/response-head.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { headerLines } from "./raw-headers.ts";

interface Tunnel {
  readonly client: Duplex;
  /** Bytes the client sent behind its head. */
  readonly clientHead: Buffer;
  readonly server: Socket;
  readonly serverHead: Buffer;
  readonly response: ResponseHead;
  readonly upstream: Upstream;
}

/** After one side has ended, the other may still say this long what it has to say; few protocols know half an end. */
const lingerMs = 2000;

/** Answers 101 and carries bytes both ways until either side ends; counted on its upstream meanwhile. */
export function startTunnel({ client, clientHead, server, serverHead, response, upstream }: Tunnel): void {
  upstream.upgrades += 1;
  let open = true;
  const close = (): void => {
    if (open) upstream.upgrades -= 1;
    open = false;
    client.destroy();
    server.destroy();
  };
  const linger = (): void => {
    const timer = setTimeout(close, lingerMs).unref();
    client.once("close", () => clearTimeout(timer));
  };
  client.on("close", close).once("end", linger);
  server.on("close", close).once("end", linger);
  client.on("error", close);
  client.write(`HTTP/1.1 101 ${response.reason}\r\n${headerLines(response.headers)}\r\n`, "latin1");
  if (serverHead.length > 0) client.write(serverHead);
  if (clientHead.length > 0) server.write(clientHead);
  server.pipe(client);
  client.pipe(server);
}
