import { latencyBoundsMs } from "@sluice/core/health/latency-buckets";
import { TrafficCounter, type TrafficCounts } from "./traffic-counters.ts";

export interface BindingCounts {
  readonly name: string;
  readonly bindingPort: number;
  /** Set by the front, where bindings belong to several sites. */
  readonly site?: string;
  readonly users: TrafficCounts;
  readonly probes: TrafficCounts;
}

/** The answer to `GET /counters`. Counts begin at `startedAt` of the process and only grow. */
export interface ProxyCounts {
  readonly startedAt: number;
  readonly latencyBoundsMs: readonly number[];
  readonly bindings: readonly BindingCounts[];
  readonly refused: {
    /** Answered 400, 408 or 431 before a binding was looked for. */
    readonly malformed: number;
    /** Answered 421: no binding of that name on that port. */
    readonly unknownHost: number;
  };
}

interface CountedBinding {
  readonly name: string;
  readonly bindingPort: number;
  readonly site?: string;
}

/** A binding with its two counters: users and probes apart. */
export class BindingCounter {
  readonly users = new TrafficCounter();
  readonly probes = new TrafficCounter();
}

/** Counts for all bindings of one proxy process. */
export class ProxyCounters {
  malformed = 0;
  unknownHost = 0;
  readonly #byBinding = new Map<CountedBinding, BindingCounter>();
  readonly #startedAt: number;

  constructor(bindings: readonly CountedBinding[], startedAt: number) {
    this.#startedAt = startedAt;
    for (const binding of bindings) this.#byBinding.set(binding, new BindingCounter());
  }

  /** The counter of a binding that was given to the constructor. */
  of(binding: CountedBinding): BindingCounter {
    const counter = this.#byBinding.get(binding) ?? new BindingCounter();
    this.#byBinding.set(binding, counter);
    return counter;
  }

  read(): ProxyCounts {
    return {
      startedAt: this.#startedAt,
      latencyBoundsMs,
      bindings: [...this.#byBinding].map(([{ name, bindingPort, site }, counter]) => ({
        name,
        bindingPort,
        ...(site !== undefined && { site }),
        users: counter.users.read(),
        probes: counter.probes.read(),
      })),
      refused: { malformed: this.malformed, unknownHost: this.unknownHost },
    };
  }
}
