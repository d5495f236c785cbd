import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { TLSSocket } from "node:tls";
import type { ProxyTarget } from "../targets/proxy-target.ts";
import { urlOf } from "./run-load.ts";
import type { Workload } from "./workloads.ts";

/** Throws unless the proxy gives the whole answer of the slot, and speaks TLS 1.3 where TLS is asked for. */
export async function verifyAnswer(target: ProxyTarget, workload: Workload): Promise<void> {
  const { status, bytes, protocol } = await ask(target, workload);
  const wanted = workload.tls ? "TLSv1.3" : undefined;
  if (status === 200 && bytes === workload.answerBytes && protocol === wanted) return;
  const seen = `${status}, ${bytes} bytes, ${protocol ?? "no TLS"}`;
  throw new Error(`cannot measure ${target.name} with ${workload.name}: it answered ${seen}`);
}

interface SeenAnswer {
  readonly status: number | undefined;
  readonly bytes: number;
  readonly protocol: string | undefined;
}

function ask(target: ProxyTarget, workload: Workload): Promise<SeenAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<SeenAnswer>();
  const options = {
    method: workload.bodyBytes === undefined ? "GET" : "POST",
    agent: false,
    rejectUnauthorized: false,
  };
  const send = workload.tls ? httpsRequest : httpRequest;
  const asked = send(urlOf(target, workload), options, (answer) => {
    let bytes = 0;
    const protocol = workload.tls ? ((answer.socket as TLSSocket).getProtocol() ?? undefined) : undefined;
    answer.on("data", (data: Buffer) => {
      bytes += data.length;
    });
    answer.on("error", reject);
    answer.on("end", () => resolve({ status: answer.statusCode, bytes, protocol }));
  });
  asked.on("error", reject);
  asked.end(workload.bodyBytes === undefined ? undefined : "x".repeat(workload.bodyBytes));
  return promise;
}
