import type { Intent } from "./intent.ts";
import type { IntentMemory } from "./judge-intent.ts";

export type LeadVerdict =
  | { readonly kind: "lead" }
  /** The host has obeyed words this coordinator does not know of: its store is older than the host, or another one leads. */
  | { readonly kind: "behind"; readonly sentence: string };

/**
 * Whether a coordinator may lead a host that remembers this. `issued` is the newest intent it stored for the host
 * before sending it. A coordinator that is behind any one host leads none (design §6): its store is an old backup.
 */
export function judgeLead(
  own: { readonly fence: number; readonly issued: Pick<Intent, "fence" | "generation" | "digest"> | undefined },
  host: string,
  memory: IntentMemory | undefined,
): LeadVerdict {
  if (memory === undefined || memory.generation === 0) return { kind: "lead" };
  const { fence, issued } = own;
  if (memory.maxFence > fence) return behind(host, `obeys fence ${memory.maxFence}, this coordinator holds ${fence}`);
  const generation = issued?.generation ?? 0;
  if (memory.generation > generation) {
    return behind(host, `obeys generation ${memory.generation}, this coordinator issued ${generation}`);
  }
  if (memory.generation === generation && memory.digest !== issued?.digest) {
    return behind(host, `obeys another intent of generation ${generation} than this coordinator issued`);
  }
  if (memory.maxFence === fence && issued?.fence !== fence) {
    return behind(host, `obeys fence ${fence}, under which this coordinator has issued nothing to it`);
  }
  return { kind: "lead" };
}

const behind = (host: string, why: string): LeadVerdict => ({ kind: "behind", sentence: `host '${host}' ${why}` });
