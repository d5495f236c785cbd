import { Problem } from "@sluice/core/problems/problem";

/** `sun_path` holds 104 bytes on macOS and 108 on Linux, with the closing zero: the smaller one counts everywhere. */
const pathBytesMax = 103;

/** Refuses a path that the kernel would cut or refuse, before anything is bound to it. */
export function assertSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= pathBytesMax && !path.includes("\0")) return;
  throw new Problem(
    "usage-invalid",
    `cannot use unix socket '${path}': it has ${bytes} bytes, at most ${pathBytesMax} are possible`,
    {
      hint: "choose a shorter data folder with --data",
    },
  );
}

let serial = 0;

/** The name a socket is bound under before it is renamed onto `path`: another one each time, and as short as can be. */
export function bindingPath(path: string): string {
  serial += 1;
  return `${path}.${process.pid.toString(36)}${serial === 1 ? "" : `-${serial.toString(36)}`}`;
}
