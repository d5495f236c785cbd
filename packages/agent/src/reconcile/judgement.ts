import type { Intent, IntentVerdict } from "@sluice/core";

/** What the coordinator is told of an intent it sent. */
export interface Judgement {
  readonly generation: number;
  readonly verdict: IntentVerdict["kind"] | "unreadable";
  readonly sentence: string;
}

export function describeVerdict(verdict: IntentVerdict, { generation }: Intent): string {
  switch (verdict.kind) {
    case "apply":
      return `intent ${generation} is obeyed`;
    case "already-applied":
      return `intent ${generation} is obeyed already`;
    case "stale":
      return `intent ${verdict.got} is older than ${verdict.have}, which is obeyed here; keeping that`;
    case "stale-fence":
      return `intent ${generation} comes under fence ${verdict.got}, this host obeys fence ${verdict.have}; keeping what it has`;
    case "conflicting":
      return `intent ${verdict.generation} is obeyed with digest ${verdict.have}, this one says ${verdict.got}; keeping the first`;
  }
}
