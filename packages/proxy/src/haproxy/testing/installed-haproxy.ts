import { findHaproxy, type Haproxy } from "../find-haproxy.ts";

/**
 * The HAProxy that tests run on; undefined where there is none, and its tests are left out. Rejects in CI instead (`CI=true`):
 * what is left out there is noticed by nobody.
 */
export async function installedHaproxy(
  inCi: boolean = process.env["CI"] === "true",
  find: () => Promise<Haproxy> = findHaproxy,
): Promise<Haproxy | undefined> {
  return find().catch((error: unknown) => {
    if (inCi) throw error;
    return undefined;
  });
}
