/** How long an agent waits for a keeper that does not answer. */
export interface KeeperPatience {
  /** For the answer to one question. */
  readonly answerWithinMs: number;
  /** Without any answer, after which a keeper on trial hangs. */
  readonly silentMs: number;
}

export const keeperPatience: KeeperPatience = {
  // Generous for a process on the same machine, and of one that hangs several questions go unanswered before it is given up.
  answerWithinMs: 10_000,
  // Longer than a handover that fails keeps anybody waiting: then nobody answers any more.
  silentMs: 25_000,
};
