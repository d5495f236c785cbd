import {
  type AlertRecord,
  alertId,
  alertKinds,
  type ChannelHealth,
  type NotificationSettings,
  type Page,
  Problem,
  severityOf,
} from "@sluice/core";
import type {
  AcknowledgeResponse,
  OperatorServiceServer,
  Alert as WireAlert,
  Channel as WireChannel,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Clock } from "@sluice/runtime";
import { type AlertDesk, deadManName } from "../notifications/alert-desk.ts";
import type { Asking, RolloutDesk } from "../rollouts/rollout-desk.ts";
import type { FleetView } from "../status/fleet-view.ts";
import { type CallSeams, unary } from "./calls.ts";

export interface AlertMethodsOptions {
  readonly alerts: AlertDesk;
  readonly rollouts: RolloutDesk;
  readonly view: FleetView;
  readonly clock: Clock;
}

/** What is wrong, who looks after it, and whether anybody can be told. */
export function alertMethods(
  options: AlertMethodsOptions,
  seams: CallSeams,
): Pick<OperatorServiceServer, "listAlerts" | "acknowledge" | "testPage"> {
  const { alerts, clock } = options;
  return {
    listAlerts: unary(seams, () => {
      const { state } = alerts.notifications;
      const sorted = state.records.toSorted((a, b) => rankOf(a) - rankOf(b) || a.since - b.since);
      return {
        alerts: sorted.map((record) => wireAlert(record, state.pages)),
        channels: wireChannels(alerts),
        nowMs: clock.now(),
      };
    }),
    acknowledge: unary(seams, ({ what, reason }, { principal }) =>
      acknowledge(options, what, { by: principal.name, reason }),
    ),
    testPage: unary(seams, ({ reason }, { principal }) => ({
      alert: wireAlert(alerts.testPage(principal.name, reason), alerts.notifications.state.pages),
    })),
  };
}

const rankOf = ({ alert }: AlertRecord): number => (severityOf(alert) === "page" ? 0 : 1);

/** An alert, or all alerts of a rollout; of one that waits for it, also that somebody watches. */
function acknowledge(
  { alerts, rollouts, view }: AlertMethodsOptions,
  what: string,
  { by, reason }: Asking,
): AcknowledgeResponse {
  const wire = (records: readonly AlertRecord[]) =>
    records.map((record) => wireAlert(record, alerts.notifications.state.pages));
  if (/^a-\d+$/.test(what)) {
    const meant = alerts.acknowledge(what, by, reason);
    const known = meant.length > 0 ? meant : alerts.notifications.state.records.filter((one) => alertId(one) === what);
    if (known.length > 0) return { alerts: wire(known), rollout: undefined };
    throw new Problem("alert-unknown", `cannot find alert '${what}': it may be over`, { hint: "sluice alert list" });
  }
  const { rollout, state } = rollouts.require(what);
  if (state.phase === "waiting-for-gates") {
    rollouts.command({ id: rollout.id, verb: "ack", by, reason, mayOverride: false });
    const meant = alerts.acknowledge(rollout.id, by, reason ?? "watches it");
    return { alerts: wire(meant), rollout: view.rollout(rollouts.require(rollout.id)) };
  }
  const meant = alerts.acknowledge(rollout.id, by, reason);
  // Nothing to look after and nothing to watch: the rollout's own rules say why.
  if (meant.length === 0) rollouts.command({ id: rollout.id, verb: "ack", by, reason, mayOverride: false });
  return { alerts: wire(meant), rollout: undefined };
}

function wireAlert(record: AlertRecord, pages: readonly Page[]): WireAlert {
  const { alert, since, toldAt, acked, quiet } = record;
  const { name, labels, sentence } = alert;
  const reached = toldAt === undefined ? {} : (pages.find((page) => page.name === name)?.reached ?? {});
  return {
    id: alertId(record),
    name,
    severity: severityOf(alert),
    title: alertKinds[name].title,
    sentence,
    sinceMs: since,
    environment: labels.environment,
    site: labels.site,
    host: labels.host,
    rolloutId: labels.rollout,
    unit: labels.unit,
    channel: labels.channel,
    toldSinceMs: toldAt,
    told: Object.entries(reached).map(([channel, at]) => ({ channel, atMs: at ?? undefined })),
    acknowledged: acked === undefined ? undefined : { by: acked.by, reason: acked.reason, atMs: acked.at },
    quiet,
  };
}

function wireChannels({ settings, notifications }: AlertDesk): WireChannel[] {
  if (settings === undefined) return [];
  const { health, waiting } = notifications;
  return kindsOf(settings).map(({ name, kind }): WireChannel => {
    const one = health.get(name);
    return {
      name,
      kind,
      workedAtMs: one?.workedAt,
      failing: wireFailure(one),
      waiting: [...waiting.values()].filter(({ channel }) => channel === name).length,
    };
  });
}

const kindsOf = ({
  channels,
  deadMan,
}: NotificationSettings): readonly { readonly name: string; readonly kind: string }[] => [
  ...channels,
  ...(deadMan === undefined ? [] : [{ name: deadManName, kind: "dead-man" }]),
];

function wireFailure(health: ChannelHealth | undefined): WireChannel["failing"] {
  if (health?.failing === undefined) return undefined;
  const { since, failures, sentence, retryAt } = health.failing;
  return { sinceMs: since, failures, sentence, retryAtMs: retryAt };
}
