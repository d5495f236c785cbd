import { IncomingMessage, ServerResponse } from "node:http";
import type { ClientConnection } from "../serving/connection.ts";
import type { Exchange } from "./exchange.ts";

/** A client's request; knows its exchange, so that event handlers need no closure per request. */
export class ProxyRequest extends IncomingMessage {
  exchange: Exchange | undefined;
}

/** The answer to a client; see {@link ProxyRequest}. */
export class ProxyResponse extends ServerResponse<ProxyRequest> {
  exchange: Exchange | undefined;
  client: ClientConnection | undefined;
}
