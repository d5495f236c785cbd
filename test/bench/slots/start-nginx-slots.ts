import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findFreePorts } from "@sluice/runtime/ports/find-free-ports";
import type { BenchWorld } from "../bench-world.ts";
import { loadCore, pinned } from "../machine/pin.ts";
import { writeFilled } from "../peers/fill-template.ts";
import { startProgram } from "../peers/started-program.ts";
import { toolPath } from "../tools/required-tools.ts";
import type { SlotPorts } from "./slot-ports.ts";

/** What `GET /large` is answered with. */
export const largeBytes = 64 * 1024;

/** One nginx that is both slots, on the core of the load. Takes bodies and throws them away. */
export async function startNginxSlots(world: BenchWorld): Promise<AsyncDisposable & SlotPorts> {
  const dir = join(world.dir, "nginx-slots");
  await mkdir(join(dir, "www"), { recursive: true });
  await writeFile(join(dir, "www", "large"), "x".repeat(largeBytes));
  const [blue = 0, green = 0] = await findFreePorts(2);
  const config = join(dir, "slot.conf");
  const template = new URL("nginx-slot.conf", import.meta.url);
  await writeFilled(template, config, { DIR: dir, PORT: blue, OTHER_PORT: green });
  const nginx = [toolPath(world.tools, "nginx"), "-c", config, "-p", dir, "-e", join(dir, "error.log")];
  const program = await startProgram({
    command: pinned(world.tools, loadCore, nginx),
    logFile: join(dir, "slot.log"),
    port: blue,
  });
  return { blue, green, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}
