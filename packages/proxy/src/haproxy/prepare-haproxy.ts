import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Problem } from "@sluice/core/problems/problem";
import { assertSocketPath } from "@sluice/runtime/control/socket-path";
import { writeFileDurably } from "@sluice/runtime/files/durable-file";
import { readCertificate } from "../certificates/certificate-store.ts";
import { certificatesOf } from "../certificates/certificates-of.ts";
import { type ProxyState, writeProxyState } from "../control/proxy-state.ts";
import { parseProxyProcess } from "../settings/parse-proxy-process.ts";
import type { ProxyProcess } from "../settings/process-settings.ts";
import { processFiles } from "./process-files.ts";
import { renderConfig, renderFiles } from "./render-haproxy.ts";
import { resolveSlots } from "./resolve-slots.ts";

const run = promisify(execFile);

export interface HaproxyOrder {
  readonly command: string;
  readonly args: string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * For glibc, in bytes: how much of its heap a worker keeps that it does not use now. By itself it gives 128 KB back and takes
 * them again, page by page, after every few requests.
 */
const keptHeap = { MALLOC_TRIM_THRESHOLD_: "8388608", MALLOC_TOP_PAD_: "1048576" };

/** The order that starts the process of a folder; its inherited sockets begin at fd 3. */
export function haproxyCommand(haproxy: string, dir: string): HaproxyOrder {
  const { config, masterSocket } = processFiles(dir);
  return { command: haproxy, args: ["-W", "-S", `unix@${masterSocket},mode,600`, "-f", config], env: keptHeap };
}

/** What the process of a folder is configured by, as for the embedded engine. */
export const settingsFile = (dir: string): string => join(dir, "settings.json");

/** The settings of a folder. Rejects with `proxy-settings-invalid`. */
export async function readSettings(dir: string): Promise<ProxyProcess> {
  const file = settingsFile(dir);
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new Problem("proxy-settings-invalid", `cannot read proxy settings ${file}`, { cause });
  });
  return parseProxyProcess(text, file);
}

/**
 * Writes everything that a haproxy process of this folder needs, from `settings.json` and `state`, durably, and lets HAProxy check it
 * first. After it a start, planned or not, brings up exactly `state`.
 */
export async function prepareHaproxy(haproxy: string, dir: string, state: ProxyState): Promise<void> {
  assertSocketPath(`${processFiles(dir).secureProbeSocket}.99999.tmp`);
  const process = await readSettings(dir);
  const resolved = { ...state, slots: await resolveSlots(state.slots) };
  const files = processFiles(dir);
  for (const use of certificatesOf(process.settings)) {
    const { cert, key } = readCertificate(use).pair;
    await writeFileDurably(files.certificate(use.certificate.name), `${cert.trim()}\n${key.trim()}\n`);
  }
  for (const [path, text] of renderFiles(dir, process, resolved)) {
    if (path !== files.config) await writeFileDurably(path, text);
  }
  await checkConfig(haproxy, dir, process, state);
  await writeProxyState(join(dir, "state.json"), state);
  await writeFileDurably(files.config, renderConfig(dir, process, state, "inherited"));
}

/** What accepts and what does not is in the configuration: durable and checked when it resolves, in force after a reload. */
export async function writeConfig(
  haproxy: string,
  dir: string,
  process: ProxyProcess,
  state: ProxyState,
): Promise<void> {
  await checkConfig(haproxy, dir, process, state);
  await writeProxyState(join(dir, "state.json"), state);
  await writeFileDurably(processFiles(dir).config, renderConfig(dir, process, state, "inherited"));
}

async function checkConfig(haproxy: string, dir: string, process: ProxyProcess, state: ProxyState): Promise<void> {
  const { config } = processFiles(dir);
  const candidate = `${config}.check`;
  await writeFileDurably(candidate, renderConfig(dir, process, state, "checkable"));
  await run(haproxy, ["-c", "-q", "-f", candidate]).catch((cause: unknown) => {
    const said = typeof cause === "object" && cause !== null && "stderr" in cause ? String(cause.stderr).trim() : "";
    throw new Problem("proxy-settings-invalid", `cannot use configuration ${candidate}: haproxy says: ${said}`, {
      hint: `${haproxy} -c -f ${candidate}`,
      cause,
    });
  });
}
