import { findHaproxy, type Haproxy } from "../find-haproxy.ts";

/** The HAProxy of this machine; undefined when there is none, or one that is too old. */
export async function installedHaproxy(): Promise<Haproxy | undefined> {
  return findHaproxy().catch(() => undefined);
}
