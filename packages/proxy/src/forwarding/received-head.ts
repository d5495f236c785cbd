/** How the body of a request is framed. */
export type RequestBody = "none" | "length" | "chunked";

/** The head of a request as a client sent it, well-formed; whether it may be forwarded is for `judgeRequest` to say. */
export interface ReceivedHead {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: 0 | 1;
  /** Name, value, name, value … */
  readonly rawHeaders: readonly string[];
  readonly body: RequestBody;
  readonly contentLength: number;
  /** The client wants to send more requests on its connection. */
  readonly keepAlive: boolean;
  readonly expect: string | undefined;
  readonly upgrade: string | undefined;
  readonly te: string | undefined;
  readonly probeToken: string | undefined;
}
