/** Makes names for new things. */
export interface Ids {
  /** `<prefix>-<32 hex digits>`; unique, and those made later sort after those made earlier. */
  newId(prefix: string): string;
}
