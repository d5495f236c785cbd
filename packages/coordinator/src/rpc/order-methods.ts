import { freezeWords, frozenUntil, type Instant, instant, type Mute, Problem } from "@sluice/core";
import { isZone } from "@sluice/core/gates/local-time";
import type {
  AddFreezeRequest,
  OperatorServiceServer,
  Freeze as WireFreeze,
  Mute as WireMute,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Clock } from "@sluice/runtime";
import type { ListedFreeze, OrderDesk } from "../gates/order-desk.ts";
import { type CallSeams, unary } from "./calls.ts";

type OrderMethods = Pick<
  OperatorServiceServer,
  "addFreeze" | "listFreezes" | "removeFreeze" | "addMute" | "listMutes" | "removeMute" | "haltAll" | "clearHalt"
>;

export interface OrderMethodsOptions {
  readonly orders: OrderDesk;
  readonly clock: Clock;
}

/** Freezes, mutes and the halt of everything. */
export function orderMethods({ orders, clock }: OrderMethodsOptions, seams: CallSeams): OrderMethods {
  return {
    addFreeze: unary(seams, (request, { principal }) => {
      const freeze = freezeOf(request, clock.now());
      orders.addFreeze(freeze, principal.name);
      return { freeze: wireFreeze({ freeze, removable: true }, clock.now()) };
    }),
    listFreezes: unary(seams, () => ({ freezes: orders.freezes().map((listed) => wireFreeze(listed, clock.now())) })),
    removeFreeze: unary(seams, ({ name, reason }, { principal }) => {
      orders.removeFreeze(name, { by: principal.name, reason });
      return {};
    }),
    addMute: unary(seams, ({ name, reason, owner, sites, toMs }, { principal }) => ({
      mute: wireMute(orders.addMute({ name, reason, owner, sites, to: instant(toMs), by: principal.name })),
    })),
    listMutes: unary(seams, () => ({ mutes: orders.mutes().map(wireMute) })),
    removeMute: unary(seams, ({ name }, { principal }) => {
      orders.removeMute(name, principal.name);
      return {};
    }),
    haltAll: unary(seams, ({ reason }, { principal }) => ({
      pausedRolloutIds: [...orders.haltAll({ by: principal.name, reason })],
    })),
    clearHalt: unary(seams, ({ reason }, { principal }) => ({
      resumedRolloutIds: [...orders.clearHalt({ by: principal.name, reason })],
    })),
  };
}

function freezeOf(request: AddFreezeRequest, now: Instant): ListedFreeze["freeze"] {
  const { name, reason, owner, environments, sites, fromMs, toMs, zone } = request;
  const [from, to] = [instant(fromMs ?? now), instant(toMs)];
  if (!isZone(zone)) throw new Problem("usage-invalid", `cannot add freeze '${name}': there is no time zone '${zone}'`);
  if (to <= from || to <= now)
    throw new Problem("usage-invalid", `cannot add freeze '${name}': it would be over already`);
  return { name, reason, owner, environments, sites, when: { kind: "once", from, to, zone } };
}

function wireFreeze({ freeze, removable }: ListedFreeze, now: Instant): WireFreeze {
  const { when, environments, sites, ...named } = freeze;
  const until = frozenUntil(freeze, now);
  return {
    ...named,
    environments: [...environments],
    sites: [...sites],
    time: freezeWords(when),
    inForce: until !== undefined,
    untilMs: until?.to,
    removable,
  };
}

const wireMute = ({ from, to, sites, ...named }: Mute): WireMute => ({
  ...named,
  sites: [...sites],
  fromMs: from,
  toMs: to,
});
