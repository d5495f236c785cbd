/** What came of one question. `failed`: whoever should answer did not. `not-asked`: we never got to ask, which says nothing about them. */
export type Answer =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly contentType: string;
      readonly body: string;
      /** The body went on after what was read of it. */
      readonly bodyCut: boolean;
      readonly servedBy?: ServedBy;
    }
  | { readonly kind: "failed"; readonly reason: string; readonly timedOut: boolean }
  | { readonly kind: "not-asked"; readonly reason: string };

/** `X-Sluice-Served-By`: who answered a probe, in its own words. */
export interface ServedBy {
  readonly host: string;
  readonly site: string;
  readonly slot: string;
  readonly release: string;
}

/** Reads `<host>/<site>/<slot>/<release digest>`; undefined for anything else, which is then an answer nobody signed. */
export function parseServedBy(header: string | undefined): ServedBy | undefined {
  const [host, site, slot, release, ...rest] = header?.split("/") ?? [];
  if (!host || site === undefined || slot === undefined || release === undefined || rest.length > 0) return undefined;
  return { host, site, slot, release };
}
