import { readyPath } from "@sluice/core/proxying/proxy-settings";
import { drainMark } from "./slot-map.ts";

/** An edge asks whether it may send requests here: nobody's request, on whatever hop. */
export const readyAsked = `METH_GET { url -m str ${readyPath} }`;

/**
 * The proxy's own answer to an edge that asks whether it may send requests here. It comes before everything that counts,
 * because nobody's request failed when a host is being drained.
 */
export function readyRules(slotMap: string): readonly string[] {
  const answer = (status: number, sentence: string, when: string): string =>
    `http-request return status ${status} content-type "text/plain; charset=utf-8"${status === 503 ? " hdr Connection close" : ""} string "${sentence}\\n" if ${readyAsked}${when}`;
  return [
    `http-request set-var(txn.ready) str(live),map_str(${slotMap},hold) if ${readyAsked}`,
    answer(503, notLive, " { var(txn.ready) -m str hold }"),
    answer(503, beingDrained, ` { var(txn.ready),field(5,|) -m str ${drainMark} }`),
    answer(200, inService, ""),
  ];
}

/** While the host is being drained every answer is the last of its connection, so that the edge has none left to use. */
export const lastAnswerRule = `http-after-response set-header Connection close if { var(txn.live),field(5,|) -m str ${drainMark} } !{ status 101 }`;

const notLive = "no release is live at the moment";
const beingDrained = "this host is being drained";
const inService = "this host takes requests";
