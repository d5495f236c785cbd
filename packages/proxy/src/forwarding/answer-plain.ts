import { STATUS_CODES } from "node:http";
import type { ProxyResponse } from "./proxy-response.ts";

/** Answers with one line of text of our own; the connection stays open when it can. `headers` are name, value, name, value. */
export function answerPlain(
  res: ProxyResponse,
  status: number,
  sentence: string,
  headers: readonly string[] = [],
): void {
  const body = Buffer.from(`${sentence}\n`);
  const framing = ["Content-Type", "text/plain; charset=utf-8", "Content-Length", String(body.length)];
  res.begin({ status, reason: STATUS_CODES[status] ?? "", headers: [...framing, ...headers], hasDate: false });
  res.write(body);
  res.end();
}
