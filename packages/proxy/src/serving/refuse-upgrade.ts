import type { Duplex } from "node:stream";
import { answerPlain } from "../forwarding/answer-plain.ts";
import { type ProxyRequest, ProxyResponse } from "../forwarding/messages.ts";

/** Answers a request to upgrade with a plain status and ends the connection. */
export function refuseUpgrade(req: ProxyRequest, socket: Duplex, status: number, sentence: string): void {
  const res = new ProxyResponse(req);
  res.shouldKeepAlive = false;
  socket.on("error", () => socket.destroy());
  res.assignSocket(req.socket);
  res.on("finish", () => {
    res.detachSocket(req.socket);
    req.socket.destroySoon();
  });
  answerPlain(res, status, sentence);
}
