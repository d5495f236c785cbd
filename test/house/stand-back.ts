import { getPriority, setPriority } from "node:os";

/** As `nice` has it. A program that was not told to stand back gets nine times as much of a machine that has too little for both. */
const priority = 10;

// For tests that only compute and wait for nobody: they fill what the fleets of others leave idle, and take nothing from them. Threads
// and children that are started from here on stand back as well.
setPriority(Math.max(priority, getPriority()));
