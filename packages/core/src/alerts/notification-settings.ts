import { type DurationMs, minutes } from "../units/time.ts";

export const channelKinds = ["alertmanager", "webhook", "slack", "ntfy"] as const;
export type ChannelKind = (typeof channelKinds)[number];

/** Where messages go. A URL may be a secret by itself, so that it can stand in a file of the coordinator's machine instead. */
export type Address =
  | { readonly url: string }
  /** Name of a file in the coordinator's folder of secrets. */
  | { readonly urlFile: string };

/** A way to tell somebody. */
export interface Channel {
  readonly name: string;
  readonly kind: ChannelKind;
  readonly address: Address;
  /** Name of a file in the coordinator's folder of secrets: sent as `Authorization: Bearer …`. */
  readonly tokenFile?: string;
}

export interface ChainLevel {
  /** Names of channels. */
  readonly to: readonly string[];
  /** How long a page may stay unacknowledged before they are told. */
  readonly afterMs: DurationMs;
}

/** Whom to tell, and when. Alertmanagers are told of everything and decide themselves; the chain is for all others. */
export interface NotificationSettings {
  readonly channels: readonly Channel[];
  /** In order; `afterMs` grows from level to level. */
  readonly chain: readonly ChainLevel[];
  /** Channels that are told of notices. */
  readonly notices: readonly string[];
  /** How often a page that nobody acknowledged is told again to everybody who was told of it. */
  readonly repeatMs: DurationMs;
  /** Asked once a minute for as long as this coordinator can decide and tell: silence means that it can't. */
  readonly deadMan?: Address;
}

/** Half an hour is two sleep-ins of an alarm clock. */
export const repeatDefaultMs = minutes(30);

export const isInChain = ({ kind }: Channel): boolean => kind !== "alertmanager";
