/**
 * Version of the contract between agent and coordinator. It grows when one side can't do without what is new; what the other
 * side may do without is announced by `Welcome`, so that programs of different ages work together. One line of history for
 * each number, and below it what came without a new one:
 *
 * 1. Session with Hello, Welcome, intents as documents, observations, probe batches; FetchArtifact.
 *    - Traffic batches (`traffic_batch_max`), the coordinator's clock (`now_ms`), rounds of probes, RecheckOrder.
 */
export const protocolVersion = 1;
