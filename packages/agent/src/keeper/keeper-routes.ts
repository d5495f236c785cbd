import { Problem } from "@sluice/core/problems/problem";
import { type AnyRoute, type ControlRequest, route, Streamed } from "@sluice/runtime/control/route";
import type { Keeper } from "./keeper.ts";
import {
  childSpec,
  type HandoverDone,
  handoverOrder,
  type KeeperEvent,
  removeOrder,
  signalOrder,
  socketSpec,
} from "./keeper-api.ts";

const waitMsDefault = 30_000;
const waitMsMax = 600_000;
/** A reader that is this far behind is cut off; it subscribes again and asks for the status. */
const eventsBehindMax = 10_000;

export type Handover = (order: { readonly command: string; readonly args: readonly string[] }) => Promise<HandoverDone>;

/** The keeper's contract as in docs/architecture.md. */
export function keeperRoutes(keeper: Keeper, handover: Handover): readonly AnyRoute[] {
  return [
    route({ method: "GET", path: "/status", handle: () => keeper.status() }),
    route({ method: "GET", path: "/state-file", handle: () => keeper.stateFile() }),
    route({ method: "PUT", path: "/state-file", handle: () => keeper.rewriteState() }),
    route({
      method: "PUT",
      path: "/sockets/:name",
      body: socketSpec,
      handle: ({ params, body }) => keeper.ensureSocket(param(params, "name"), body),
    }),
    route({
      method: "DELETE",
      path: "/sockets/:name",
      handle: ({ params }) => keeper.closeSocket(param(params, "name")),
    }),
    route({
      method: "PUT",
      path: "/children/:id",
      body: childSpec,
      handle: ({ params, body }) => keeper.ensureChild(param(params, "id"), body),
    }),
    route({ method: "GET", path: "/children/:id", handle: ({ params }) => keeper.child(param(params, "id")).view() }),
    route({ method: "GET", path: "/children/:id/wait", handle: (request) => waitForChild(keeper, request) }),
    route({
      method: "POST",
      path: "/children/:id/signal",
      body: signalOrder,
      handle: ({ params, body }) => keeper.child(param(params, "id")).signal(body.signal),
    }),
    route({
      method: "DELETE",
      path: "/children/:id",
      body: removeOrder,
      handle: ({ params, body }) => keeper.removeChild(param(params, "id"), body.graceMs),
    }),
    route({ method: "POST", path: "/handover", body: handoverOrder, handle: ({ body }) => handover(body) }),
    route({ method: "GET", path: "/events", handle: ({ signal }) => new Streamed(events(keeper, signal)) }),
  ];
}

const param = (params: Readonly<Record<string, string>>, name: string): string => params[name] ?? "";

async function waitForChild(keeper: Keeper, { params, query, signal }: ControlRequest<undefined>): Promise<unknown> {
  const child = keeper.child(param(params, "id"));
  const timeoutMs = Number(query.get("timeoutMs") ?? waitMsDefault);
  if (!(timeoutMs >= 0 && timeoutMs <= waitMsMax)) {
    throw new Problem("message-invalid", `cannot wait: timeoutMs has to be a number from 0 to ${waitMsMax}`);
  }
  const exited = await child.exited(AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
  if (signal.aborted) throw new Problem("keeper-unreachable", "the keeper stops; ask its successor");
  return { exited, child: child.view() };
}

async function* events(keeper: Keeper, signal: AbortSignal): AsyncGenerator<KeeperEvent> {
  const waiting: KeeperEvent[] = [{ kind: "subscribed", pid: process.pid }];
  let wake = () => {};
  const poke = () => wake();
  const unsubscribe = keeper.subscribe((event) => {
    waiting.push(event);
    poke();
  });
  signal.addEventListener("abort", poke);
  try {
    while (!signal.aborted && waiting.length < eventsBehindMax) {
      for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) yield event;
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (waiting.length > 0) resolve();
      });
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", poke);
  }
}
