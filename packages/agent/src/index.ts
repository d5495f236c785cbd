export { type AgentCredentials, loopbackCredentials } from "./session/agent-credentials.ts";
export { type AgentOptions, type AgentSeams, startAgent } from "./start-agent.ts";
