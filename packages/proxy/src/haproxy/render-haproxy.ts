import { certificatesOf } from "../certificates/certificates-of.ts";
import type { ProxyState } from "../control/proxy-state.ts";
import type { ProxyProcess } from "../settings/process-settings.ts";
import { latencyMap, outcomeMap } from "./count-keys.ts";
import { countsLua } from "./counting-rules.ts";
import { hostsMap } from "./hosts-map.ts";
import { processFiles } from "./process-files.ts";
import type { RenderInput } from "./render-common.ts";
import { renderFront, sitesMap } from "./render-front.ts";
import { renderSite } from "./render-site.ts";
import { nominatedLua, slotLua } from "./slot-lua.ts";
import { formatSlotMap, slotMapOf } from "./slot-map.ts";

/** The files that a haproxy process reads, by path; certificates apart. */
export function renderFiles(dir: string, process: ProxyProcess, state: ProxyState): ReadonlyMap<string, string> {
  const files = processFiles(dir);
  const bindings = process.kind === "front" ? process.settings.routes : process.settings.bindings;
  return new Map([
    [files.hostsMap, hostsMap(bindings, process.settings.listeners)],
    [files.latencyMap, latencyMap()],
    [files.outcomeMap, outcomeMap()],
    [files.nominatedLua, nominatedLua],
    [files.countsLua, countsLua],
    ...(process.kind === "front"
      ? [[files.sitesMap, sitesMap(process)] as const]
      : ([
          [files.slotMap, formatSlotMap(slotMapOf(state.slots))],
          [files.slotLua, slotLua(files.slotMap)],
        ] as const)),
    [files.certificateList, certificateList(dir, process)],
    [files.config, renderConfig(dir, process, state, "inherited")],
  ]);
}

/** `checkable`: the same on sockets of its own, for `haproxy -c` in a process that has inherited none. */
export function renderConfig(
  dir: string,
  process: ProxyProcess,
  { accepting }: Pick<ProxyState, "accepting">,
  sockets: RenderInput["sockets"],
): string {
  const input = { accepting, files: processFiles(dir), sockets };
  return process.kind === "front" ? renderFront({ ...input, process }) : renderSite({ ...input, process });
}

/** One line a certificate with the names it is for; the first serves clients that name nobody. */
function certificateList(dir: string, process: ProxyProcess): string {
  const files = processFiles(dir);
  const lines = certificatesOf(process.settings).map(({ certificate, hostNames }) => {
    return `${files.certificate(certificate.name)} ${hostNames.join(" ")}\n`;
  });
  return lines.join("");
}
