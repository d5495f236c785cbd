import { parseDuration } from "../units/time.ts";
import type { FleetReading, SitePiece } from "./fleet-reading.ts";
import type { PathProblem } from "./path-problem.ts";

/** What a site says about itself has to make sense together. */
export function checkSites(reading: FleetReading): readonly PathProblem[] {
  return reading.sites.flatMap((site) => [...slotAddresses(site), ...readyTime(site), ...probesOf(site)]);
}

function slotAddresses(site: SitePiece): readonly PathProblem[] {
  const run = site.get("run");
  if (run?.driver !== "external" || run.addresses.blue !== run.addresses.green) return [];
  const sentence = `both slots are at ${run.addresses.blue}; they need an address each to run side by side`;
  return [{ path: [...site.path, "run", "addresses", "green"], sentence }];
}

function readyTime(site: SitePiece): readonly PathProblem[] {
  return noTime(site.get("ready")?.within, [...site.path, "ready", "within"]);
}

function noTime(duration: string | undefined, path: PathProblem["path"]): readonly PathProblem[] {
  return duration !== undefined && parseDuration(duration) === 0
    ? [{ path, sentence: "no time at all, wanted more than 0s" }]
    : [];
}

/** Headers that belong to the prober or to the connection. */
const ownHeaders: ReadonlySet<string> = new Set([
  "host",
  "x-sluice-probe",
  "connection",
  "content-length",
  "transfer-encoding",
  "upgrade",
]);

function probesOf(site: SitePiece): readonly PathProblem[] {
  return (site.get("probes") ?? []).flatMap((probe, index) => {
    const path = [...site.path, "probes", index];
    const bodiless =
      probe.method === "HEAD" && probe.contains !== undefined
        ? [{ path: [...path, "contains"], sentence: "an answer to HEAD has no body that could contain this" }]
        : [];
    const method = probe.method ?? "GET";
    const unsent =
      probe.body === undefined || method === "POST"
        ? []
        : [{ path: [...path, "body"], sentence: `a ${method} sends no body`, hint: "method: POST" }];
    const reserved = Object.keys(probe.headers ?? {})
      .filter((header) => ownHeaders.has(header.toLowerCase()))
      .map((header) => ({
        path: [...path, "headers", header],
        onKey: true,
        sentence: `the header ${header} is set by the prober itself`,
      }));
    return [...bodiless, ...unsent, ...reserved, ...noTime(probe.timeout, [...path, "timeout"])];
  });
}
