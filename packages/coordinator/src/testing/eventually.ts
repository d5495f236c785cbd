import { expect } from "vitest";

/** Long enough for a machine that is busy with other things; a test that passes never waits for it. */
const timeout = 20_000;

/** Expects of what `look` sees, as soon as it holds. */
export const eventually = <T>(look: () => T) => expect.poll(look, { timeout, interval: 15 });
