import { durationMs } from "@sluice/core";
import type { ProbeAnswer } from "@sluice/protocol/generated/sluice/agent/v1/agent";
import type { Clock } from "@sluice/runtime";
import type { Session } from "./session.ts";

interface Asked {
  readonly host: string;
  readonly answer: (answer: ProbeAnswer) => void;
}

/** How long an agent may take to ask every binding on every hop once. */
const answerWithinMs = durationMs(15_000);

/** Questions to agents that wait for their answer. */
export class ProbeDesk {
  readonly #clock: Clock;
  readonly #sessionOf: (host: string) => Session | undefined;
  readonly #asked = new Map<string, Asked>();
  #count = 0;

  constructor(clock: Clock, sessionOf: (host: string) => Session | undefined) {
    this.#clock = clock;
    this.#sessionOf = sessionOf;
  }

  /** Asks a host to probe a site now. Always answers: a host that cannot, or does not in time, with a refusal. */
  async ask(host: string, site: string, signal: AbortSignal): Promise<ProbeAnswer> {
    const session = this.#sessionOf(host);
    this.#count += 1;
    const id = `probe-${this.#count}`;
    if (session === undefined) return refused(id, `host '${host}' is silent: its agent has no session here`);
    const done = new AbortController();
    const answered = new Promise<ProbeAnswer>((resolve) => this.#asked.set(id, { host, answer: resolve }));
    session.send({ $case: "probeOrder", value: { id, site } });
    const late = this.#clock.sleep(answerWithinMs, AbortSignal.any([done.signal, signal])).then(
      () => refused(id, `host '${host}' did not answer within ${answerWithinMs / 1000}s`),
      () => refused(id, "the question was given up"),
    );
    try {
      return await Promise.race([answered, late]);
    } finally {
      done.abort();
      this.#asked.delete(id);
    }
  }

  /** An agent's answer; one that comes too late, or from another host, is dropped. */
  answered(host: string, answer: ProbeAnswer): void {
    const asked = this.#asked.get(answer.id);
    if (asked?.host === host) asked.answer(answer);
  }

  /** The host's session ended: nobody will answer any more. */
  left(host: string): void {
    for (const [id, asked] of this.#asked) {
      if (asked.host === host) asked.answer(refused(id, `host '${host}' went silent before it answered`));
    }
  }
}

const refused = (id: string, refusal: string): ProbeAnswer => ({ id, results: [], refusal });
