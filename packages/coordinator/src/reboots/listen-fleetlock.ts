import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Problem, type RebootAnswer } from "@sluice/core";
import type { RebootClient, RebootDesk } from "./reboot-desk.ts";

/** Reboot managers send a few dozen bytes. */
const bodyBytesMax = 4096;

interface Reply {
  readonly status: number;
  readonly kind: string;
  readonly value: string;
}

/**
 * The FleetLock protocol (coreos/zincati, docs/development/fleetlock/protocol.md): a manager may reboot when it is answered 200;
 * anything else means to ask again later, with `kind` for its metrics and `value` for its log.
 */
export async function listenFleetLock(
  desk: RebootDesk,
  listen: { readonly host: string; readonly port: number },
  onFailure: (error: unknown, path: string) => void,
): Promise<AsyncDisposable & { readonly address: string }> {
  const server = createServer({ requestTimeout: 10_000, maxHeaderSize: 8192 }, (req, res) => {
    answer(desk, req)
      .catch((error: unknown) => {
        onFailure(error, req.url ?? "");
        return failure(error);
      })
      .then((reply) => send(res, reply));
  });
  server.listen(listen.port, listen.host);
  await once(server, "listening");
  const { address, port, family } = server.address() as AddressInfo;
  return {
    address: `${family === "IPv6" ? `[${address}]` : address}:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function answer(desk: RebootDesk, req: IncomingMessage): Promise<Reply> {
  const path = (req.url ?? "").split("?")[0];
  if (path !== "/v1/pre-reboot" && path !== "/v1/steady-state") {
    return { status: 404, kind: "unknown_path", value: "there are POST /v1/pre-reboot and POST /v1/steady-state" };
  }
  if (req.method !== "POST") return { status: 405, kind: "bad_request", value: `${path} takes POST` };
  if (req.headers["fleet-lock-protocol"] !== "true") {
    return { status: 400, kind: "bad_request", value: "the header 'fleet-lock-protocol: true' is missing" };
  }
  const client = parseClient(await readBody(req));
  if (typeof client === "string") return { status: 400, kind: "bad_request", value: client };
  return replyTo(path === "/v1/pre-reboot" ? desk.ask(client) : desk.release(client));
}

const replyTo = (given: RebootAnswer): Reply =>
  given.kind === "yes"
    ? { status: 200, kind: "", value: "" }
    : { status: 409, kind: given.refusal, value: given.sentence };

/** A problem is the manager's to log; anything else is ours. */
function failure(error: unknown): Reply {
  if (!(error instanceof Problem))
    return { status: 500, kind: "internal", value: "the coordinator failed; see its log" };
  const status = { invalid: 400, "not-found": 404, internal: 500 }[error.category as string] ?? 409;
  return { status, kind: error.reason.replaceAll("-", "_"), value: error.message };
}

function send(res: ServerResponse, { status, kind, value }: Reply): void {
  const body = status === 200 ? "" : `${JSON.stringify({ kind, value })}\n`;
  res.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) }).end(body);
}

async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= bodyBytesMax) chunks.push(chunk);
  }
  // Read to its end all the same: leaving early would cut the connection before the answer.
  if (bytes > bodyBytesMax) throw new Problem("message-invalid", `the body is longer than ${bodyBytesMax} bytes`);
  return Buffer.concat(chunks).toString("utf8");
}

/** A sentence when the body is not what the protocol says. */
function parseClient(text: string): RebootClient | string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return "the body is not JSON";
  }
  const params = (body as { readonly client_params?: { readonly id?: unknown; readonly group?: unknown } } | null)
    ?.client_params;
  const { id, group } = params ?? {};
  if (typeof id !== "string" || id === "") return "client_params.id is missing";
  if (typeof group !== "string" || !/^[a-zA-Z0-9.-]+$/.test(group)) return "client_params.group is missing or odd";
  return { id, group };
}
