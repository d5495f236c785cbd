import { formatPath } from "./fleet-problem.ts";
import type { BindingPiece, FleetReading, NamedPiece } from "./fleet-reading.ts";
import type { HostSource } from "./fleet-source.ts";
import type { PathProblem } from "./path-problem.ts";

/** Every port has one owner on a host: the front when shared, else the proxy of one site; and it speaks TLS or not. */
export function checkPorts(reading: FleetReading): readonly PathProblem[] {
  return [
    ...sharedTwice(reading),
    ...unsharedPorts(reading),
    ...mixedTls(reading),
    ...mergedPorts(reading),
    ...sameAddress(reading),
  ];
}

function sharedTwice({ sharedPorts }: FleetReading): readonly PathProblem[] {
  return sharedPorts
    .filter(({ source }, index) => sharedPorts.findIndex((other) => other.source === source) < index)
    .map(({ path, source }) => ({ path, sentence: `port ${source} is listed twice` }));
}

function unsharedPorts({ bindings, sharedPorts }: FleetReading): readonly PathProblem[] {
  return firstsByPort(bindings)
    .filter(
      ({ first, binding }) =>
        first.site !== binding.site && !sharedPorts.some(({ source }) => source === binding.source.port),
    )
    .map(({ first, binding }) => ({
      path: [...binding.path, "port"],
      sentence: `port ${binding.source.port} is used by site '${first.site}' as well (${formatPath(first.path)}), but is not shared`,
      hint: `add ${binding.source.port} to sharedPorts`,
      about: [["sharedPorts"]],
    }));
}

function mixedTls({ bindings }: FleetReading): readonly PathProblem[] {
  const spoken = (binding: BindingPiece): string => (binding.source.tls === undefined ? "clear text" : "TLS");
  return firstsByPort(bindings)
    .filter(({ first, binding }) => spoken(first) !== spoken(binding))
    .map(({ first, binding }) => ({
      path: binding.path,
      sentence: `port ${binding.source.port} is ${spoken(first)} for ${first.name} (${formatPath(first.path)}) and ${spoken(binding)} for ${binding.name}; a port speaks one of them`,
    }));
}

/** Each binding with the first one on its port in its environment. */
function firstsByPort(
  bindings: readonly BindingPiece[],
): readonly { readonly first: BindingPiece; readonly binding: BindingPiece }[] {
  const firsts = new Map<string, BindingPiece>();
  return bindings.map((binding) => {
    const key = JSON.stringify([binding.environment, binding.source.port]);
    const first = firsts.get(key) ?? binding;
    firsts.set(key, first);
    return { first, binding };
  });
}

interface Listening {
  readonly bindingPort: number;
  readonly port: number;
}

/** What a host listens on: the ports of its environment's bindings, and the ones it maps in any case. */
function listeningOn({ environments, bindings }: FleetReading, host: NamedPiece<HostSource>): readonly Listening[] {
  const environment = environments.find(({ hosts }) => hosts.some(({ source }) => source === host.name))?.name;
  const used = bindings.filter((binding) => binding.environment === environment).map(({ source }) => source.port);
  const mapped = Object.keys(host.source.ports ?? {}).map(Number);
  return [...new Set([...used, ...mapped])]
    .sort((a, b) => a - b)
    .map((bindingPort) => ({ bindingPort, port: host.source.ports?.[String(bindingPort)] ?? bindingPort }));
}

function mergedPorts(reading: FleetReading): readonly PathProblem[] {
  return reading.hosts.flatMap((host) => {
    const listening = listeningOn(reading, host);
    return listening.flatMap(({ bindingPort, port }, index) => {
      const other = listening.slice(0, index).find((earlier) => earlier.port === port);
      if (other === undefined) return [];
      const mapped = bindingPort !== port ? bindingPort : other.bindingPort;
      const sentence = `ports ${other.bindingPort} and ${bindingPort} would both be bound to ${port} on host '${host.name}'`;
      return [{ path: [...host.path, "ports", String(mapped)], sentence }];
    });
  });
}

const wildcards: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** Hosts with one address are one machine; wildcard addresses say nothing about that. */
function sameAddress(reading: FleetReading): readonly PathProblem[] {
  const owners = new Map<string, string>();
  return reading.hosts.flatMap((host) => {
    const { address } = host.source;
    if (address === undefined || wildcards.has(address)) return [];
    return listeningOn(reading, host).flatMap(({ bindingPort, port }) => {
      const key = `${address} ${port}`;
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, host.name);
      if (owner === undefined || owner === host.name) return [];
      const mapped = host.source.ports?.[String(bindingPort)] !== undefined;
      return [
        {
          path: mapped ? [...host.path, "ports", String(bindingPort)] : [...host.path, "address"],
          sentence: `host '${host.name}' would listen on ${address} port ${port}, where host '${owner}' listens already`,
          hint: `give it a port of its own: ports: { ${bindingPort}: … }, or another address`,
        },
      ];
    });
  });
}
