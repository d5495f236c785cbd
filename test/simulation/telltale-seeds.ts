/**
 * Seeds that were seen to show a fault, by its name: tried first, so that the audit is quick. They are a short cut and no more:
 * where histories have changed since, the fault is looked for from the first seed on.
 */
export const telltaleSeeds: Readonly<Record<string, number>> = {
  "passes a wave without evidence": 13,
  "counts an unknown result as good": 13,
  "passes a wave that regressed": 10,
  "keeps a grant beyond its confirm-by": 40,
  "takes what was on trial for proven after a restart of the host": 16,
  "starts waves outside of their windows": 87,
  "starts waves that cannot end before their window closes": 9,
  "counts one person's approval twice": 86,
  "does not compare the kinds of bindings": 105,
  "touches hosts that nobody hears of": 38,
  "takes the override of one wave for all of them": 9,
  "takes a host that may not have heard of a withdrawal for withdrawn": 8,
  "takes back what is one-way": 42,
  "does not know on its host what is one-way": 160,
  "forgets maxUnavailable": 9,
  "goes on with what was on trial after a restart of the host": 1635,
  "takes the coordinator's word for proven whatever runs": 1554,
  "takes an acknowledgement that has expired": 17,
  "starts waves while everything is halted": 73,
  "takes a subset for the environment": 86,
  "knows a withdrawal by the text of an intent alone": 311,
  "stops the old slot without waiting for its users": 355,
  "looks after units that an activation has in its hands": 6,
};
