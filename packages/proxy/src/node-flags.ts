/**
 * How Node is to be started for a proxy. V8's default collects the young part of the heap rarely, up to 16 MB at a time, and with
 * helper threads: on a core of its own, where these wait for one another, that stops all requests for some 10 ms several times a
 * second. In one thread and 4 MB at a time a stop takes 2 ms; a proxy under load needs a third less memory, too.
 */
export const proxyNodeFlags: readonly string[] = ["--single-threaded-gc", "--max-semi-space-size=4"];
