import type { SiteDuties, SlotName, UnitRelease } from "@sluice/core";

export interface SlotPlace {
  readonly slot: SlotName;
  readonly host: string;
  readonly port: number;
}

/** How a slot learns who it is. Nothing the site sets by itself can take its port or its name away. */
export function slotEnvironment(
  release: UnitRelease,
  duties: SiteDuties,
  place: SlotPlace,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    ...own,
    PORT: String(place.port),
    HOST: place.host,
    SLUICE_SITE: duties.site,
    SLUICE_SLOT: place.slot,
    SLUICE_RELEASE: release.version,
    SLUICE_DIGEST: release.digest,
    SLUICE_BINDINGS: JSON.stringify(
      duties.bindings.map(({ name, kind, bindingPort, tls, edge }) => ({ name, kind, port: bindingPort, tls, edge })),
    ),
  };
}

/** `{port}` and `{release}` filled in; a command that begins with `node` runs on the very Node that runs the agent. */
export function slotCommand(
  command: readonly string[],
  release: UnitRelease,
  port: number,
): { readonly command: string; readonly args: string[] } {
  const [first = "", ...args] = command.map((word) =>
    word.replaceAll("{port}", String(port)).replaceAll("{release}", release.version),
  );
  return { command: first === "node" ? process.execPath : first, args };
}
