/** From here on the answer is counted, by binding and kind. */
export const countingRules: readonly string[] = [
  'http-request set-var-fmt(txn.count) "%[var(txn.b)]/u"',
  'http-request set-var-fmt(txn.count) "%[var(txn.b)]/p" if { var(txn.probe) -m found }',
  "http-request track-sc0 var(txn.count) table counts",
];

/** Counts every answer, ours included, by the class of its status. */
export const answerRules: readonly string[] = [
  ...[1, 2, 3, 4, 5].map(
    (first) =>
      `http-after-response set-var(txn.n) sc_inc_gpc(${first},0) if { status ${first}00:${first}99 } { var(txn.count) -m found }`,
  ),
];

/** Where counts are kept, by binding and kind; entries outlive every process. */
export const countsSection: readonly string[] = [
  "backend counts",
  "  stick-table type string len 64 size 10k expire 24d store gpc(6),http_req_cnt",
  "",
];
