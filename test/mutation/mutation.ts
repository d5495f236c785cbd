/** One small fault put into the text of the core: a dropped condition, a deadline forgotten, an off-by-one. */
export interface Mutation {
  /** What the broken core does, as the end of "a core that …". */
  readonly name: string;
  /** Below `packages/core/src`. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly put: string;
  /** Why no simulated history can show it, when none can: then a test of the core has to notice. */
  readonly notSimulated?: string;
  /** Why nothing can notice it: the mutated core does the same. */
  readonly equivalent?: string;
}

/** Faults in one file. */
export const mutationsOf = (file: string, mutations: readonly Omit<Mutation, "file">[]): readonly Mutation[] =>
  mutations.map((mutation) => ({ file, ...mutation }));
