import { countKeysMax, slowestBucket } from "./count-keys.ts";
import type { ProcessFiles } from "./process-files.ts";

/** A request counts from its head on. */
export const arrivalRule = "http-request set-var(txn.t0) date(0,us)";

/** Counts an answer of a slot by binding, kind, outcome and time to its head, in one number (`count-keys.ts`). */
export function answerRules({ outcomeMap, latencyMap }: ProcessFiles): readonly string[] {
  return [
    `http-response set-var(txn.base) status,map_int_int(${outcomeMap},0),add(txn.base) unless { status 200:299 }`,
    `http-response track-sc0 date(0,us),sub(txn.t0),map_int_int(${latencyMap},${slowestBucket}),add(txn.base) table counts`,
  ];
}

/**
 * Answers of our own, for a slot that gave none. HAProxy says 503 for every server that it does not reach; a slot that
 * refuses is 502 here. `notHeld`: a condition for requests that were sent to one.
 */
export const ownAnswerRules = (notHeld = ""): readonly string[] => [
  "http-after-response allow if { sc0_tracked } or !{ var(txn.base) -m found } or { status lt 500 }",
  `http-after-response set-status 502 if { status 503 }${notHeld}`,
  "http-after-response set-var(txn.n) lua.unreachable",
];

/** Where a request that reaches no binding is counted. */
export const countRefused = (what: "malformed" | "unknown", when: string): string =>
  `http-request track-sc0 str(${what}) table refused ${when}`;

/** Where counts are kept; entries outlive every process, and there is room for every one that can be. */
export const countsSections = (bindings: number): readonly string[] => [
  "backend counts",
  `  stick-table type integer size ${countKeysMax(bindings)} expire 24d store http_req_cnt`,
  "backend refused",
  "  stick-table type string len 16 size 16 expire 24d store http_req_cnt",
  "",
];

/** Counts requests without an answer by their base. `unreachable counts` on the command line prints a base and its count in a line. */
export const countsLua = `local counts = {}

core.register_fetches("unreachable", function(txn)
  local base = txn:get_var("txn.base")
  counts[base] = (counts[base] or 0) + 1
  return 1
end)

core.register_cli({"unreachable", "counts"}, "unreachable counts: requests without an answer of a slot", function(applet)
  for base, count in pairs(counts) do
    applet:send(base .. " " .. count .. "\\n")
  end
end)
`;
