import { largeBytes } from "../slots/start-nginx-slots.ts";

/** What is asked again and again on kept connections. */
export interface Workload {
  readonly name: string;
  readonly tool: "wrk" | "h2load";
  readonly path: string;
  readonly tls: boolean;
  /** Sent with every request; absent: `GET`. */
  readonly bodyBytes?: number;
  /** Of a right answer. */
  readonly answerBytes: number;
}

const small = { path: "/", answerBytes: "blue".length } as const;

export const workloads: readonly Workload[] = [
  { name: "small", tool: "wrk", tls: false, ...small },
  { name: "64 KB", tool: "wrk", tls: false, path: "/large", answerBytes: largeBytes },
  { name: "POST 512 B", tool: "wrk", tls: false, ...small, bodyBytes: 512 },
  { name: "POST 16 KB", tool: "wrk", tls: false, ...small, bodyBytes: 16 * 1024 },
  { name: "TLS 1.3 small", tool: "wrk", tls: true, ...small },
  { name: "small by h2load", tool: "h2load", tls: false, ...small },
];

/** The workload by which bars are judged. */
export const judgedWorkload = "small";
