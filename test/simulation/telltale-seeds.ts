/**
 * Seeds that were seen to show a fault, by its name: tried first, so that the audit is quick. They are a short cut and no more:
 * where histories have changed since, the fault is looked for from the first seed on.
 */
export const telltaleSeeds: Readonly<Record<string, number>> = {
  "passes a wave without evidence": 11,
  "counts an unknown result as good": 13,
  "passes a wave that regressed": 36,
  "keeps a grant beyond its confirm-by": 41,
  "takes what was on trial for proven after a restart of the host": 9,
  "starts waves outside of their windows": 18,
  "starts waves that cannot end before their window closes": 66,
  "counts one person's approval twice": 26,
  "does not compare the kinds of bindings": 276,
  "touches hosts that nobody hears of": 63,
  "takes the override of one wave for all of them": 17,
  "takes a host that may not have heard of a withdrawal for withdrawn": 87,
  "takes back what is one-way": 19,
  "does not know on its host what is one-way": 355,
  "goes on with what was on trial after a restart of the host": 925,
  "takes the coordinator's word for proven whatever runs": 112,
  "takes an acknowledgement that has expired": 17,
  "starts waves while everything is halted": 139,
  "takes a subset for the environment": 311,
  "stops the old slot without waiting for its users": 49,
  "leads from an old backup": 19,
  "judges a host by its own fence": 200,
  "does not look at what other rollouts hold": 15,
  "sends intents that its store has no room for": 506,
  "goes on as if it had written what there is no room for": 437,
  "obeys stale intents": 7,
  "sends an intent before it is saved": 6,
  "knows a withdrawal by the text of an intent alone": 778,
};
