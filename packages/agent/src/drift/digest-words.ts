/** Enough of a digest to tell two apart and to look one up; the whole one is of no more use to a person. */
const shownMax = "sha256:".length + 12;

/** A digest as it is shown; `no file` for none. */
export const digestWords = (digest: string | undefined): string =>
  digest === undefined ? "no file" : digest.slice(0, shownMax);
