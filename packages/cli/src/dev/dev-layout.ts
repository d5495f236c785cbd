import { join } from "node:path";
import type { EngineName } from "@sluice/core";
import { findFreePorts } from "@sluice/runtime/ports/find-free-ports";

/** Where everything of a dev fleet is: names, addresses, ports, folders. */
export interface DevLayout {
  readonly dir: string;
  /** Address of the coordinator. */
  readonly coordinator: string;
  readonly edgePort: number;
  readonly environments: readonly DevEnvironment[];
  readonly hosts: readonly DevHost[];
  readonly soak: string;
  /** Of all proxies and fronts. */
  readonly engine: EngineName;
  /** Site of its own port, production only. */
  readonly blogName: string;
}

export interface DevEnvironment {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly internalName: string;
  readonly publicName: string;
  /** Where outsiders come in, `http://127.0.0.1:20443`. */
  readonly edge: string;
}

export interface DevHost {
  readonly name: string;
  readonly environment: string;
  readonly dir: string;
  /** Where port 80, the shared one, is really bound. */
  readonly sharedPort: number;
  /** Where port 8080, the blog's own, is really bound. */
  readonly ownPort: number;
}

const environments = [
  { name: "acceptance", hosts: ["at-1"], internalName: "shop.at.internal", publicName: "shop.at.example.com" },
  { name: "production", hosts: ["web-1", "web-2"], internalName: "shop.internal", publicName: "www.shop.example" },
] as const;

export interface LayoutOptions {
  readonly dir: string;
  readonly soak: string;
  readonly engine: EngineName;
}

/** Chooses free ports for everything. */
export async function chooseDevLayout({ dir, soak, engine }: LayoutOptions): Promise<DevLayout> {
  const hostNames = environments.flatMap((environment) =>
    environment.hosts.map((name) => ({ name, environment: environment.name })),
  );
  const ports = [...(await findFreePorts(2 + 2 * hostNames.length))];
  const next = (): number => ports.pop() ?? 0;
  const edgePort = next();
  return {
    dir,
    soak,
    engine,
    coordinator: `127.0.0.1:${next()}`,
    edgePort,
    environments: environments.map((environment) => ({ ...environment, edge: `http://127.0.0.1:${edgePort}` })),
    hosts: hostNames.map(({ name, environment }) => ({
      name,
      environment,
      dir: join(dir, "hosts", name),
      sharedPort: next(),
      ownPort: next(),
    })),
    blogName: "blog.internal",
  };
}

export const fleetFileOf = (dir: string): string => join(dir, "fleet.yaml");
export const logFileOf = (dir: string, program: string): string => join(dir, "logs", `${program}.log`);
