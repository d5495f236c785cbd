/** What a version of a program of Sluice's own does where it runs on trial; once it is proven it is as good as any other. */
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
  /** Of an agent: never reaches its coordinator. */
  | "deaf"
  /** Of an agent: loses it after a while, for good. */
  | "deaf-later"
  /** Of a keeper: says that it is another version than before, once it runs. */
  | "says-other"
  /** Of a keeper: does not hold everything that the one before it held. */
  | "loses-socket";

/** A version that behaves so is seen through before it is proven. */
export const isSeenThrough = (behaviour: ProgramBehaviour | undefined): boolean =>
  behaviour !== undefined && behaviour !== "good" && !behaviour.endsWith("-later");

const badPrograms: readonly ProgramBehaviour[] = [
  "cannot-start",
  "other-version",
  "dies",
  "hangs",
  "hangs-later",
  "dies-later",
];

/** How versions of each program go wrong. */
export const badProgramsOf = {
  agent: [...badPrograms, "deaf", "deaf-later"],
  keeper: [...badPrograms, "says-other", "loses-socket"],
} satisfies Record<string, readonly ProgramBehaviour[]>;
