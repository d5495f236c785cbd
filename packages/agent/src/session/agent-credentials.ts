import { type ChannelCredentials, credentials } from "@grpc/grpc-js";

/** How the agent proves who it is, and knows whom it talks to. Asked for anew with every connection, so that certificates may change. */
export interface AgentCredentials {
  channelCredentials(): ChannelCredentials;
}

/** For a coordinator on the same machine only: nobody is proven to be anybody. */
export const loopbackCredentials: AgentCredentials = { channelCredentials: () => credentials.createInsecure() };
