/**
 * Version of the contract between agent and coordinator. One line of history for each number:
 *
 * 1. Session with Hello, Welcome, intents as documents, observations, probe batches; FetchArtifact.
 */
export const protocolVersion = 1;
