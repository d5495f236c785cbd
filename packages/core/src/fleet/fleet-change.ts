/** One difference between two fleets, with a sentence for people. `setting` is the key as in the fleet file. */
export type FleetChange =
  | (Named & { readonly of: "fleet" | "environment" | "host" | "certificate" | "shared-port" | "freeze" })
  | (Named & { readonly of: "site"; readonly site: string })
  | (Named & { readonly of: "binding"; readonly site: string; readonly environment: string });

interface Named {
  /** `reordered`: the same members in another order, where order means something. */
  readonly kind: "added" | "removed" | "changed" | "reordered";
  readonly name: string;
  /** Present when one setting changed. */
  readonly setting?: string;
  readonly sentence: string;
}

/** Members by key that are only before, only after, or in both. */
export interface Paired<T> {
  readonly added: readonly T[];
  readonly removed: readonly T[];
  readonly kept: readonly { readonly before: T; readonly after: T }[];
}

export function pair<T>(before: readonly T[], after: readonly T[], keyOf: (item: T) => string): Paired<T> {
  const old = new Map(before.map((item) => [keyOf(item), item]));
  const now = new Map(after.map((item) => [keyOf(item), item]));
  return {
    added: after.filter((item) => !old.has(keyOf(item))),
    removed: before.filter((item) => !now.has(keyOf(item))),
    kept: after.flatMap((item) => {
      const earlier = old.get(keyOf(item));
      return earlier === undefined ? [] : [{ before: earlier, after: item }];
    }),
  };
}

/** A setting as the fleet file calls it, in words for comparing and showing. */
export type SettingWords = readonly (readonly [setting: string, words: string])[];

/** The settings that read differently. */
export function changedSettings(
  before: SettingWords,
  after: SettingWords,
): readonly { readonly setting: string; readonly words: string }[] {
  const old = new Map(before);
  return after
    .filter(([setting, words]) => old.get(setting) !== words)
    .map(([setting, words]) => ({ setting, words: `${setting} ${old.get(setting) ?? "none"} → ${words}` }));
}
