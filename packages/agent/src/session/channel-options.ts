import type { ChannelOptions } from "@grpc/grpc-js";

/** A dead line is noticed within half a minute; retries are ours, because a session that is retried below us keeps its buffer. */
export const channelOptions: ChannelOptions = {
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.enable_retries": 0,
  "grpc.max_receive_message_length": 64 * 1024 * 1024,
  "grpc.use_local_subchannel_pool": 1,
};
