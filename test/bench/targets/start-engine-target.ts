import { dirname } from "node:path";
import type { EngineName } from "@sluice/core";
import { findHaproxy } from "@sluice/proxy/haproxy/find-haproxy";
import type { EngineUnderTest, Shape, SiteUnderTest } from "../../conformance/support/engine-under-test.ts";
import { haproxyEngine } from "../../conformance/support/haproxy-engine.ts";
import { nodeEngine } from "../../conformance/support/node-engine.ts";
import { processesNaming } from "../machine/processes.ts";
import type { Certificate } from "../slots/certificate.ts";
import type { SlotPorts } from "../slots/slot-ports.ts";
import type { ProxyTarget } from "./proxy-target.ts";

/** One of our engines in one of its shapes, with what can be done to it. */
export interface EngineTarget extends ProxyTarget {
  readonly site: SiteUnderTest;
  readonly engine: EngineName;
  readonly shape: Shape;
  switchTo(live: "blue" | "green"): Promise<void>;
}

export const engineNames: readonly EngineName[] = ["node", "haproxy"];
export const shapes: readonly Shape[] = ["own-port", "shared-port"];

export const targetName = (engine: EngineName, shape: Shape): string => `${engine} ${shape.replace("-", " ")}`;

/** A site `localhost` in the clear and over TLS. */
export async function startEngineTarget(
  engine: EngineName,
  shape: Shape,
  slots: SlotPorts,
  { certFile, keyFile }: Certificate,
): Promise<EngineTarget> {
  const name = { name: "localhost", kind: "public" } as const;
  const certificate = { name: "localhost", certFile, keyFile };
  const bindings = [
    { ...name, bindingPort: 80 },
    { ...name, bindingPort: 443, certificate },
  ];
  const site = await (await engineOf(engine)).startSite(shape, { slots: tableOf(slots, "blue"), bindings });
  return {
    ...{ name: targetName(engine, shape), engine, shape, site },
    port: site.port,
    securePort: site.securePort,
    pids: () => site.parts.flatMap((part) => processesNaming(dirname(site.probeSocket(part)))),
    switchTo: (live) => site.put(tableOf(slots, live)),
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  };
}

async function engineOf(engine: EngineName): Promise<EngineUnderTest> {
  return engine === "node" ? nodeEngine : haproxyEngine(await findHaproxy());
}

function tableOf({ blue, green }: SlotPorts, live: "blue" | "green") {
  const at = (port: number, release: string) => ({ host: "127.0.0.1", port, release: `sha256:${release}` });
  return { live, blue: at(blue, "blue"), green: at(green, "green") };
}
