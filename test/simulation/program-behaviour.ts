/** What a version of the agent's program does where it runs on trial; once it is proven it is as good as any other. */
export type ProgramBehaviour =
  | "good"
  /** Can't be started at all. */
  | "cannot-start"
  /** Says that it is another version than the one it was pushed as. */
  | "other-version"
  /** Ends as soon as it has been started. */
  | "dies"
  /** Gives no sign of life. */
  | "hangs"
  /** Works for a while. */
  | "hangs-later"
  | "dies-later"
  /** Never reaches its coordinator. */
  | "deaf"
  /** Loses it after a while, for good. */
  | "deaf-later";

/** A version that behaves so is seen through before it is proven. */
export const isSeenThrough = (behaviour: ProgramBehaviour | undefined): boolean =>
  behaviour !== undefined && behaviour !== "good" && !behaviour.endsWith("-later");

export const badPrograms: readonly ProgramBehaviour[] = [
  "cannot-start",
  "other-version",
  "dies",
  "hangs",
  "hangs-later",
  "dies-later",
  "deaf",
  "deaf-later",
];
