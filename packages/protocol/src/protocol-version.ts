/**
 * Version of the contract between agent and coordinator. It grows when one side can't do without what is new; what the other
 * side may do without is announced by `Welcome`, so that programs of different ages work together. One line of history for
 * each number, and below it what came without a new one:
 *
 * 1. Session with Hello, Welcome, intents as documents, observations, probe batches; FetchArtifact.
 *    - What was changed by hand and what is kept startable, in observations. `oneWay` of a grant, `drift` and `siteDrift` of an intent, which
 *      an older agent refuses as unreadable instead of obeying half: a one-way release waits until its hosts have newer agents.
 *    - Traffic batches (`traffic_batch_max`), the coordinator's clock (`now_ms`), rounds of probes, RecheckOrder.
 *    - The unit `keeper` (`keepers`): an agent speaks of it to a coordinator that knows it, and is sent it only after that.
 */
export const protocolVersion = 1;
