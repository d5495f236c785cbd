import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { ask, type Way } from "./fresh-requests.ts";

/** An upload or download that stops in the middle until it is told to go on. */
export interface Paused<T> {
  /** Goes on to the end and answers with what came of it. */
  finish(): Promise<T>;
}

export interface Uploaded {
  readonly release: string;
  readonly bytes: number;
  /** Whether the site read exactly what was sent. */
  readonly whole: boolean;
}

/** Sends half of a body of `bytes` to the site, which digests it. */
export async function beginUpload({ port, hostName }: Way, bytes: number): Promise<Paused<Uploaded>> {
  const chunk = randomBytes(256 * 1024);
  const hash = createHash("sha256");
  let sent = 0;
  const upload = request({
    host: "127.0.0.1",
    port,
    path: "/digest",
    method: "POST",
    agent: false,
    headers: { host: hostName, "content-length": bytes },
  });
  const answered = once(upload, "response");
  answered.catch(() => undefined);
  const sendUntil = async (end: number): Promise<void> => {
    while (sent < end) {
      const part = chunk.subarray(0, Math.min(chunk.length, end - sent));
      sent += part.length;
      hash.update(part);
      if (!upload.write(part)) await once(upload, "drain");
    }
  };
  await sendUntil(bytes / 2);
  return {
    async finish() {
      await sendUntil(bytes);
      upload.end();
      const [response] = await answered;
      const read = JSON.parse(Buffer.concat(await response.toArray()).toString());
      return {
        release: String(response.headers["x-release"]),
        bytes: read.bytes,
        whole: read.sha256 === hash.digest("hex"),
      };
    },
  };
}

/** Asks for `bytes` bytes and reads the first of them only. */
export async function beginDownload(way: Way, bytes: number): Promise<Paused<{ release: string; bytes: number }>> {
  const response = await ask(way, `/long?bytes=${bytes}`);
  let got = 0;
  const iterator = response[Symbol.asyncIterator]();
  const read = async (): Promise<boolean> => {
    const { done, value } = await iterator.next();
    if (done !== true) got += value.length;
    return done !== true;
  };
  await read();
  return {
    async finish() {
      while (await read());
      return { release: String(response.headers["x-release"]), bytes: got };
    },
  };
}
