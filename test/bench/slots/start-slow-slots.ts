import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePorts } from "@sluice/runtime/ports/find-free-ports";
import type { BenchWorld } from "../bench-world.ts";
import { startProgram } from "../peers/started-program.ts";
import type { SlotPorts } from "./slot-ports.ts";

/** Long enough that some requests are under way at every moment of a change. */
export const thinkMs = 10;

const program = fileURLToPath(new URL("slow-slot.ts", import.meta.url));

/** Two applications that take {@link thinkMs} to answer with their name. */
export async function startSlowSlots(world: BenchWorld): Promise<AsyncDisposable & SlotPorts> {
  await using started = new AsyncDisposableStack();
  const [blue = 0, green = 0] = await findFreePorts(2);
  for (const [name, port] of [["blue", blue] as const, ["green", green] as const]) {
    const command = [process.execPath, program, name, String(port), String(thinkMs), world.dir] as const;
    started.use(await startProgram({ command, logFile: join(world.dir, `slot-${name}.log`), port }));
  }
  const kept = started.move();
  return { blue, green, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
