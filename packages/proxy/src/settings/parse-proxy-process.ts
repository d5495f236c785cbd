import { Problem } from "@sluice/core/problems/problem";
import { knownKeys, type ProxyProcess, proxyProcessSchema } from "./process-settings.ts";

/** Reads `settings.json`. Throws `proxy-settings-invalid` with every problem at once. */
export function parseProxyProcess(text: string, file: string): ProxyProcess {
  const checked = proxyProcessSchema.safeParse(parseJson(text, file));
  if (!checked.success) throw invalid(file, checked.error.issues.flatMap(describeIssue));
  const process: ProxyProcess = checked.data;
  const relations = [...checkSockets(process), ...checkCertificates(process), ...checkSites(process)];
  if (relations.length > 0) throw invalid(file, relations);
  return process;
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Problem("proxy-settings-invalid", `cannot read proxy settings ${file}: it is not JSON`, { cause });
  }
}

function invalid(file: string, problems: readonly string[]): Problem {
  return new Problem("proxy-settings-invalid", `cannot use proxy settings ${file}: ${problems.join("; ")}`);
}

interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

function describeIssue(issue: Issue): string[] {
  const where = issue.path.length === 0 ? "settings" : issue.path.map(String).join(".");
  if (issue.code !== "unrecognized_keys") return [`${where}: ${issue.message}`];
  return (issue.keys ?? []).map((key) => `${where}: unknown key '${key}', did you mean '${nearest(key)}'?`);
}

function nearest(key: string): string {
  const distances = knownKeys.map((known) => ({ known, far: distance(key.toLowerCase(), known.toLowerCase()) }));
  return distances.reduce((best, next) => (next.far < best.far ? next : best)).known;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function checkSockets(process: ProxyProcess): string[] {
  const ports = new Set(process.settings.listeners.map((listener) => listener.bindingPort));
  const lost = process.sockets.filter((socket) => !ports.has(socket.bindingPort));
  const problems = lost.map(
    (socket) => `sockets: fd ${socket.fd} is for port ${socket.bindingPort}, which no listener names`,
  );
  const missing = [...ports].filter((port) => !process.sockets.some((socket) => socket.bindingPort === port));
  problems.push(...missing.map((port) => `sockets: the listener of port ${port} has no inherited socket`));
  if (process.kind === "site-proxy" && process.settings.behindFront && process.siteSocketFd === undefined) {
    problems.push("siteSocketFd: missing, and the site is behind the front");
  }
  return problems;
}

function checkCertificates(process: ProxyProcess): string[] {
  const secure = new Set(
    process.settings.listeners.filter((listener) => listener.tls).map((listener) => listener.bindingPort),
  );
  const bindings = process.kind === "front" ? process.settings.routes : process.settings.bindings;
  return bindings
    .filter((binding) => secure.has(binding.bindingPort) && binding.certificate === undefined)
    .map((binding) => `bindings: '${binding.name}' on port ${binding.bindingPort} has no certificate`);
}

function checkSites(process: ProxyProcess): string[] {
  if (process.kind !== "front") return [];
  const named = new Set(process.settings.routes.map((route) => route.site));
  return [...named]
    .filter((site) => process.sites[site] === undefined)
    .map((site) => `sites: '${site}' has routes but no socket path`);
}
