import { chmodSync, closeSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { BoundSocket, connect } from "node:net";
import { dirname } from "node:path";
import { Problem } from "@sluice/core/problems/problem";
import { assertSocketPath, bindingPath } from "@sluice/runtime/control/socket-path";
import type { KeptSocket, SocketSpec } from "./keeper-api.ts";
import type { SocketState } from "./keeper-state.ts";

/** Our own copy of a listening socket: bound here, or inherited as a plain fd. */
interface Copy {
  readonly fd: number;
  close(): void;
}

interface Kept {
  readonly name: string;
  readonly spec: SocketSpec;
  readonly bound: SocketSpec;
  readonly inode?: number | undefined;
  /** Absent: orphaned. A keeper that died bound it, and no process can hand it to us. */
  readonly copy?: Copy | undefined;
}

/** The listening sockets of a host. Bound here, never listened on here: the first child listens, later ones carry on. */
export class KeptSockets {
  readonly #kept = new Map<string, Kept>();
  readonly #holders: (name: string) => readonly string[];
  /** The newest of the bindings under way: they go one after another, so that two orders for one name never both bind. */
  #turn: Promise<unknown> = Promise.resolve();

  /** `holders` names the living children that were given a socket. */
  constructor(holders: (name: string) => readonly string[]) {
    this.#holders = holders;
  }

  /** Takes over what a predecessor bound; entries without fd are orphaned until {@link ensure} can bind them again. */
  adopt(sockets: readonly SocketState[]): void {
    for (const { name, spec, bound, inode, fd } of sockets) {
      const copy = fd === undefined ? undefined : { fd, close: () => closeSync(fd) };
      this.#kept.set(name, { name, spec, bound, inode, copy });
    }
  }

  list(): readonly KeptSocket[] {
    return [...this.#kept.values()].map((kept) => this.#view(kept));
  }

  states(): readonly SocketState[] {
    return [...this.#kept.values()].map(({ name, spec, bound, inode }) => ({
      name,
      spec,
      bound,
      ...(inode === undefined ? {} : { inode }),
    }));
  }

  /** The fd of each socket that is ours to give. */
  fds(): readonly { readonly name: string; readonly fd: number }[] {
    return [...this.#kept.values()].flatMap(({ name, copy }) => (copy === undefined ? [] : [{ name, fd: copy.fd }]));
  }

  has(name: string): boolean {
    return this.#kept.has(name);
  }

  /** Binds what is not bound yet, and binds again what is orphaned once its holders are gone. */
  ensure(name: string, spec: SocketSpec): Promise<KeptSocket> {
    const mine = this.#turn.then(() => this.#ensure(name, spec));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Resolves when no binding is under way. */
  async settled(): Promise<void> {
    await this.#turn;
  }

  async #ensure(name: string, spec: SocketSpec): Promise<KeptSocket> {
    const known = this.#kept.get(name);
    if (known === undefined) return this.#view(await this.#bind(name, spec, spec));
    if (!sameSpec(known, spec)) {
      throw new Problem("socket-conflict", `cannot bind socket '${name}': it is kept as ${describe(known.bound)}`);
    }
    if (known.copy !== undefined || this.#holders(name).length > 0) return this.#view(known);
    return this.#view(await this.#bind(name, spec, known.bound));
  }

  /** The fds to give to a child, in order; binds orphans again whose holders are gone. */
  async take(names: readonly string[]): Promise<readonly number[]> {
    const fds: number[] = [];
    for (const name of names) {
      const known = this.#kept.get(name);
      if (known === undefined) throw new Problem("socket-unknown", `there is no socket '${name}'`);
      if (known.copy === undefined) await this.ensure(name, known.spec);
      const copy = this.#kept.get(name)?.copy;
      if (copy !== undefined) fds.push(copy.fd);
      else
        throw new Problem(
          "port-taken",
          `cannot give away socket '${name}': only ${this.#holders(name).join(", ")} holds it since a keeper died`,
        );
    }
    return fds;
  }

  /** Closes our copy; children that hold one keep theirs. */
  close(name: string): void {
    const kept = this.#kept.get(name);
    this.#kept.delete(name);
    kept?.copy?.close();
    if (kept?.bound.kind === "unix" && kept.inode !== undefined && inodeOf(kept.bound.path) === kept.inode) {
      rmSync(kept.bound.path, { force: true });
    }
  }

  async #bind(name: string, spec: SocketSpec, wanted: SocketSpec): Promise<Kept> {
    this.#refuseOwnPort(name, wanted);
    const { bound, copy, inode } = wanted.kind === "tcp" ? bindTcp(name, wanted) : await bindUnix(name, wanted);
    const kept: Kept = { name, spec, bound, copy, inode };
    this.#kept.set(name, kept);
    return kept;
  }

  /** The kernel lets one process bind a port twice as long as nobody listens; the second child would then fail to listen. */
  #refuseOwnPort(name: string, wanted: SocketSpec): void {
    const other = [...this.#kept.values()].find(
      (kept) => kept.name !== name && describe(kept.bound) === describe(wanted),
    );
    if (other !== undefined) throw taken(name, wanted, new Error(`socket '${other.name}' is bound to it already`));
  }

  #view({ name, bound, copy }: Kept): KeptSocket {
    if (copy !== undefined) return { name, ...bound };
    return { name, ...bound, orphaned: true, heldBy: [...this.#holders(name)] };
  }
}

function sameSpec(known: Kept, spec: SocketSpec): boolean {
  return [known.spec, known.bound].some((have) => describe(have) === describe(spec));
}

const describe = (spec: SocketSpec): string =>
  spec.kind === "tcp" ? `tcp ${spec.address}:${spec.port}` : `unix ${spec.path}`;

type Bound = Pick<Kept, "bound" | "inode"> & { readonly copy: Copy };

function bindTcp(name: string, wanted: SocketSpec & { readonly kind: "tcp" }): Bound {
  try {
    const socket = new BoundSocket({ host: wanted.address, port: wanted.port });
    const { address, port } = socket.address();
    return { bound: { kind: "tcp", address, port }, copy: { fd: socket.fd(), close: () => socket.close() } };
  } catch (error) {
    if (codeOf(error) === "EADDRINUSE") throw taken(name, wanted, error);
    throw new Problem("usage-invalid", `cannot bind socket '${name}' to ${describe(wanted)}`, { cause: error });
  }
}

/** Bound under a name of its own, then renamed: whoever closes this copy later removes at most the name that nobody uses. */
async function bindUnix(name: string, wanted: SocketSpec & { readonly kind: "unix" }): Promise<Bound> {
  const { path } = wanted;
  const own = bindingPath(path);
  assertSocketPath(own);
  if (await isAnswered(path)) throw taken(name, wanted, new Error("a process answers on it"));
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(own, { force: true });
    const socket = new BoundSocket({ path: own } as ConstructorParameters<typeof BoundSocket>[0]);
    chmodSync(own, 0o600);
    renameSync(own, path);
    return { bound: wanted, inode: inodeOf(path), copy: { fd: socket.fd(), close: () => socket.close() } };
  } catch (error) {
    throw new Problem("usage-invalid", `cannot bind socket '${name}' to ${describe(wanted)}`, { cause: error });
  }
}

/** Whether a process listens on `path`; a file that is no socket counts as somebody's, too. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error) =>
      resolve(codeOf(error) !== "ENOENT" && !(codeOf(error) === "ECONNREFUSED" && isSocket(path))),
    );
  });
}

function isSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? true;
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function taken(name: string, wanted: SocketSpec, cause: unknown): Problem {
  const hint = wanted.kind === "tcp" ? `ss -ltnp 'sport = :${wanted.port}'` : `ss -lxp | grep ${wanted.path}`;
  return new Problem("port-taken", `cannot bind socket '${name}': ${describe(wanted)} is taken`, { hint, cause });
}

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined);
