import type { Intent } from "./intent.ts";
import type { IntentMemory } from "./judge-intent.ts";

export type LeadVerdict =
  | { readonly kind: "lead" }
  /** The host has obeyed words this coordinator does not know of: its store is older than the host, or another one leads. */
  | { readonly kind: "behind"; readonly sentence: string };

/**
 * Whether a coordinator may lead a host that remembers this. `issued` is the newest intent stored for the host; it has
 * to be stored before it is sent, and only after the host's first word to this process has been judged. A coordinator
 * that is behind any one host leads none (design §6): its store is an old backup.
 *
 * The host's fence is compared with the one of the intent it was sent, not with the coordinator's own: a restored
 * backup takes new fences as well, and would soon look newer than the host.
 */
export function judgeLead(
  own: { readonly fence: number; readonly issued: Pick<Intent, "fence" | "generation" | "digest"> | undefined },
  host: string,
  memory: IntentMemory | undefined,
): LeadVerdict {
  if (memory === undefined || memory.generation === 0) return { kind: "lead" };
  const issued = own.issued ?? { fence: 0, generation: 0, digest: "" };
  if (memory.maxFence > issued.fence) {
    return behind(
      host,
      `obeys fence ${memory.maxFence}, the last one this coordinator issued to it is ${issued.fence}`,
    );
  }
  if (memory.generation > issued.generation) {
    return behind(host, `obeys generation ${memory.generation}, this coordinator issued ${issued.generation}`);
  }
  if (memory.generation === issued.generation && memory.digest !== issued.digest) {
    return behind(host, `obeys another intent of generation ${memory.generation} than this coordinator issued`);
  }
  return { kind: "lead" };
}

const behind = (host: string, why: string): LeadVerdict => ({ kind: "behind", sentence: `host '${host}' ${why}` });

/**
 * Fence and generation from which an operator's "this store is the right one" lets a coordinator lead a host that it is
 * behind of: both go beyond what the host remembers, so that the next intent is the newest word it ever heard.
 */
export function adoptHost(
  own: { readonly fence: number; readonly generation: number },
  memory: IntentMemory,
): { readonly fence: number; readonly generation: number } {
  return {
    fence: Math.max(own.fence, memory.maxFence) + 1,
    generation: Math.max(own.generation, memory.generation) + 1,
  };
}
