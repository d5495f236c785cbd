import { type AlertRecord, after, alertId, alertKinds, type Instant, minutes, severityOf } from "@sluice/core";

/** One alert as POST /api/v2/alerts takes it (github.com/prometheus/alertmanager, api/v2/openapi.yaml). */
export interface PostableAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
}

/** Told again after a minute, an alert that is told no more ends by itself: five times are missed before that. */
export const managerEveryMs = minutes(1);
const managerEndsMs = minutes(5);

/** Requests stay small whatever the fleet does. */
export const alertsPerPost = 500;

export function encodeAlert({ alert, since, acked, number }: AlertRecord, fleet: string, now: Instant): PostableAlert {
  const { rollout, ...labels } = alert.labels;
  return {
    labels: {
      alertname: alert.name,
      severity: severityOf(alert),
      fleet,
      ...labels,
      ...(rollout === undefined ? {} : { rollout }),
    },
    annotations: {
      summary: alertKinds[alert.name].title,
      description: alert.sentence,
      id: alertId({ number }),
      ...(acked === undefined ? {} : { acknowledged: `${acked.by}: ${acked.reason}` }),
    },
    startsAt: new Date(since).toISOString(),
    endsAt: new Date(after(now, managerEndsMs)).toISOString(),
  };
}

/** Fires for as long as the coordinator can decide and tell: whoever routes it to a dead man's switch hears of its end. */
export const watchdogAlert = (fleet: string, now: Instant, startedAt: Instant): PostableAlert => ({
  labels: { alertname: "SluiceWatchdog", severity: "none", fleet },
  annotations: {
    summary: "the coordinator is alive",
    description: "fires always; when it stops, the coordinator cannot decide or cannot tell",
  },
  startsAt: new Date(startedAt).toISOString(),
  endsAt: new Date(after(now, managerEndsMs)).toISOString(),
});

export const endedAlert = (alert: PostableAlert, now: Instant): PostableAlert => ({
  ...alert,
  endsAt: new Date(now).toISOString(),
});
