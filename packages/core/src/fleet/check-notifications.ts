import { parseDuration } from "../units/time.ts";
import type { FleetPath } from "./fleet-problem.ts";
import type { FleetReading, Piece } from "./fleet-reading.ts";
import { nearestOf } from "./nearest.ts";
import type { NotificationsSource } from "./notifications-source.ts";
import type { PathProblem } from "./path-problem.ts";

/** Every channel has one address, and whoever is told of something can be told by the chain. */
export function checkNotifications({ notifications }: FleetReading): readonly PathProblem[] {
  if (notifications === undefined) return [];
  return [...channelProblems(notifications), ...chainProblems(notifications), ...noticeProblems(notifications)];
}

type Reading = Piece<NotificationsSource>;

function channelProblems({ path, source }: Reading): readonly PathProblem[] {
  const { channels, deadMan } = source;
  const addressed = [
    ...Object.entries(channels).map(([name, channel]) => ({
      at: [...path, "channels", name],
      of: `channel '${name}'`,
      ...channel,
    })),
    ...(deadMan === undefined ? [] : [{ at: [...path, "deadMan"], of: "deadMan", ...deadMan }]),
  ];
  const tokens = Object.entries(channels).filter(
    ([, { kind, tokenFile }]) => kind === "slack" && tokenFile !== undefined,
  );
  return [
    ...addressed.flatMap(({ at, of, url, urlFile }): readonly PathProblem[] => {
      if (url !== undefined && urlFile !== undefined)
        return [
          { path: [...at, "urlFile"], onKey: true, sentence: `${of} has two addresses`, hint: "keep url or urlFile" },
        ];
      return url !== undefined || urlFile !== undefined
        ? []
        : [{ path: at, sentence: `${of} has no address`, hint: "give it a url, or a urlFile that holds one" }];
    }),
    ...tokens.map(([name]) => ({
      path: [...path, "channels", name, "tokenFile"],
      onKey: true,
      sentence: `channel '${name}' is sent no token: the URL of a slack channel is its secret`,
      hint: "remove it",
    })),
  ];
}

function chainProblems({ path, source }: Reading): readonly PathProblem[] {
  const { chain = [] } = source;
  const levels = chain.map(({ after }) => (after === undefined ? 0 : (parseDuration(after) ?? 0)));
  return chain.flatMap(({ to }, index): readonly PathProblem[] => {
    const at = [...path, "chain", index];
    const isLater = index === 0 || (levels[index] ?? 0) > (levels[index - 1] ?? 0);
    const sentence = `level ${index + 1} of the chain is told no later than the one before it`;
    return [
      ...unknownChannels([...at, "to"], to, source),
      ...(isLater ? [] : [{ path: at, sentence, hint: "give it a longer after, or make one level of both" }]),
    ];
  });
}

const noticeProblems = ({ path, source }: Reading): readonly PathProblem[] =>
  unknownChannels([...path, "notices"], source.notices ?? [], source);

function unknownChannels(
  path: FleetPath,
  named: readonly string[],
  { channels }: NotificationsSource,
): readonly PathProblem[] {
  const able = Object.keys(channels).filter((name) => channels[name]?.kind !== "alertmanager");
  return named.flatMap((name, index): readonly PathProblem[] => {
    const at = [...path, index];
    if (able.includes(name)) return [];
    if (Object.hasOwn(channels, name)) {
      return [
        {
          path: at,
          sentence: `channel '${name}' is an Alertmanager, which is told of everything and decides itself whom to tell`,
          hint: "take it out of here",
        },
      ];
    }
    const nearest = nearestOf(name, able);
    const hint =
      nearest === undefined ? `channels there are: ${able.join(", ") || "none"}` : `did you mean '${nearest}'?`;
    return [{ path: at, sentence: `there is no channel '${name}'`, hint }];
  });
}
