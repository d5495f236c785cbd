import type { Alert } from "./alert.ts";
import type { AlertFacts, ChannelTrouble, TestPage } from "./alert-facts.ts";
import { hostAlerts } from "./host-alerts.ts";
import { rolloutAlerts } from "./rollout-alerts.ts";

/** Messages that a channel may fail in a row before that is worth telling on others. */
export const channelFailuresMax = 3;

/** Everything that is wrong at this moment. Nothing is remembered here: what is over is not found any more. */
export function findAlerts(facts: AlertFacts): readonly Alert[] {
  const { rollouts, blind, standstill, channels, test } = facts;
  return [
    ...(standstill === undefined ? [] : [standstillAlert(standstill)]),
    ...(blind === undefined ? [] : [{ name: "SluiceCoordinatorBlind", labels: {}, sentence: blind } satisfies Alert]),
    ...rollouts.flatMap((one) => rolloutAlerts(one, facts)),
    ...hostAlerts(facts),
    ...channels.filter(({ failures }) => failures >= channelFailuresMax).map(channelAlert),
    ...(test === undefined ? [] : [testAlert(test)]),
  ];
}

const standstillAlert = (why: string): Alert => ({
  name: "SluiceCoordinatorStandstill",
  labels: {},
  sentence: `the coordinator decides nothing: ${why}`,
});

const channelAlert = ({ channel, since, failures, sentence }: ChannelTrouble): Alert => ({
  name: "SluiceChannelFailing",
  labels: { channel },
  sentence: `nobody is told by channel ${channel}, ${failures} attempts failed: ${sentence}`,
  since,
});

const testAlert = ({ by, at, reason }: TestPage): Alert => ({
  name: "SluiceTestPage",
  labels: {},
  sentence: `${by} tests who is reached by a page${reason === undefined ? "" : `: ${reason}`}; nothing is wrong, and somebody has to acknowledge it`,
  since: at,
});
