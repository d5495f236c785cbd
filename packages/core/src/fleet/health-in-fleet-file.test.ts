import { expect, test } from "vitest";
import { defaultHealthSettings } from "../health/health-settings.ts";
import { healthSettingsOf } from "./complete-health.ts";
import { parsed, problemsIn } from "./fleet-text.sample.ts";

interface Said {
  readonly defaults?: string;
  readonly acceptance?: string;
  readonly production?: string;
  readonly site?: string;
}

const text = ({ defaults = "{}", acceptance = "{}", production = "{}", site = "{}" }: Said = {}) => `fleet: acme
environments:
  - { name: acceptance, hosts: [at-1], health: ${acceptance} }
  - { name: production, hosts: [web-1, web-2], health: ${production} }
defaults: { health: ${defaults} }
sites:
  shop:
    run: { driver: process, command: [node, server.js] }
    health: ${site}
    bindings:
      acceptance: [{ name: shop.at.internal, kind: internal, port: 80 }]
      production: [{ name: Shop.internal, kind: internal, port: 80 }, { name: www.shop.example, kind: public, port: 80 }]
`;

const settings = (said: Said, environment = "production") => healthSettingsOf(parsed(text(said)), "shop", environment);
const problems = (said: Said) =>
  problemsIn(text(said)).map(({ line, path, sentence, hint }) => ({ line, path, sentence, hint }));

test("a fleet that says nothing about health is judged carefully", () => {
  expect(settings({})).toEqual(defaultHealthSettings);
  expect(healthSettingsOf(parsed(text()), "shop", "nowhere")).toEqual(defaultHealthSettings);
});

test("a site's word goes before its environment's, and that before defaults, key by key", () => {
  const said = {
    defaults: "{ minBake: 1m, falseHalt: 5%, tolerance: { ratio: 3, add: 1% } }",
    production: "{ minBake: 5m, ruleOut: 2.5%, tolerance: { ratio: 2 } }",
    site: "{ minBake: 10m, slowTolerance: { add: 0% } }",
  };
  expect(settings(said)).toMatchObject({
    minBakeMs: 600_000,
    falseHalt: 0.05,
    ruleOut: 0.025,
    tolerance: { errors: { ratio: 2, margin: 0.01 }, slowness: { ratio: 1.5, margin: 0 } },
  });
  expect(settings(said, "acceptance")).toMatchObject({ minBakeMs: 600_000, tolerance: { errors: { ratio: 3 } } });
});

test("times for tries on one machine can be as short as one likes", () => {
  expect(settings({ defaults: "{ warmUp: 0s, minBake: 0s }" })).toMatchObject({ warmUpMs: 0, minBakeMs: 0 });
});

test("what is required or ignored is written in words, narrowed to a host name or a hop where need be", () => {
  const said = {
    site: "{ require: [failed, probes], ignore: [{ binding: WWW.shop.example, indicator: not-found }, { hop: edge }] }",
  };
  expect(settings(said)).toMatchObject({
    required: [{ indicator: "failed" }, { indicator: "unexpected" }],
    ignored: [{ binding: "www.shop.example", indicator: "not-found" }, { hop: "edge" }],
  });
});

test("words about a host name say nothing in an environment that does not have it", () => {
  const said = {
    site: "{ require: [{ binding: www.shop.example }], ignore: [{ binding: www.shop.example, hop: edge }] }",
  };
  expect(settings(said, "acceptance")).toEqual(defaultHealthSettings);
});

test("evidence is planned to be there within the soak or the usual time, never after the observation", () => {
  const gated = (gates: string) =>
    healthSettingsOf(
      parsed(text().replace("hosts: [web-1, web-2]", `hosts: [web-1, web-2], gates: ${gates}`)),
      "shop",
      "production",
    ).maxWaitMs;
  expect(gated("{ soak: 1h }")).toBe(3_600_000);
  expect(gated("{ soak: 1m }")).toBe(900_000);
  expect(gated("{ soak: 1m, maxWait: 5m }")).toBe(360_000);
});

test.each<readonly [string, Said, string, number, string, string | undefined]>([
  [
    "a host name nobody has",
    { site: "{ ignore: [failed, { binding: ww.shop.example }] }" },
    "sites.shop.health.ignore[1].binding",
    9,
    "there is no binding 'ww.shop.example' of site 'shop'",
    "did you mean 'www.shop.example'?",
  ],
  [
    "a host name of another environment",
    { acceptance: "{ require: [{ binding: www.shop.example }] }" },
    "environments[0].health.require[0].binding",
    3,
    "there is no binding 'www.shop.example' in acceptance",
    "bindings there are: shop.at.internal",
  ],
  [
    "a misspelled indicator",
    { defaults: "{ require: [faild] }" },
    "defaults.health.require[0]",
    5,
    'found the text "faild", wanted failed, refused, not-found, denied, limited, redirected, slow, above-median or probes, or a map such as { binding: www.shop.example, indicator: not-found }',
    "did you mean 'failed'?",
  ],
  [
    "a misspelled indicator in a map",
    { defaults: "{ ignore: [{ hop: edge, indicator: not-fond }] }" },
    "defaults.health.ignore[0].indicator",
    5,
    'found the text "not-fond", wanted failed, refused, not-found, denied, limited, redirected, slow, above-median or probes',
    "did you mean 'not-found'?",
  ],
  [
    "an unknown key in a map",
    { defaults: "{ ignore: [{ bindings: shop.internal }] }" },
    "defaults.health.ignore[0].bindings",
    5,
    "unknown key 'bindings'",
    "did you mean 'binding'?",
  ],
  [
    "a map that selects everything",
    { defaults: "{ ignore: [{}] }" },
    "defaults.health.ignore[0]",
    5,
    "found an empty map, wanted binding, hop or indicator",
    undefined,
  ],
  [
    "what is required and ignored",
    { site: "{ require: [slow], ignore: [slow] }" },
    "sites.shop.health.ignore[0]",
    9,
    "slow is required and ignored at once",
    "keep one of them",
  ],
  [
    "a misspelled key",
    { production: "{ minBak: 1m }" },
    "environments[1].health.minBak",
    4,
    "unknown key 'minBak'",
    "did you mean 'minBake'?",
  ],
  [
    "a wait that stands under gates",
    { production: "{ maxWait: 1m }" },
    "environments[1].health.maxWait",
    4,
    "unknown key 'maxWait'",
    "it stands under gates of an environment, because a rollout waits once: environments[].gates.maxWait",
  ],
  [
    "a ratio below one",
    { defaults: "{ tolerance: { ratio: 0.5 } }" },
    "defaults.health.tolerance.ratio",
    5,
    "found the number 0.5, wanted a number of at least 1, such as 1.25",
    undefined,
  ],
])("%s is said with its place", (_what, said, path, line, sentence, hint) => {
  expect(problems(said)).toEqual([{ line, path, sentence, hint }]);
});

test("a wait in which no wave could pass is refused, with both ways out", () => {
  const short = text().replace("hosts: [at-1]", "hosts: [at-1], gates: { soak: 2s, maxWait: 30s }");
  expect(problemsIn(short)).toEqual([
    expect.objectContaining({
      path: "environments[0].gates.maxWait",
      sentence:
        "no wave of 'shop' could pass: an observation ends after soak and maxWait, 32s, and a host passes after 30s of warm-up and 2m of minBake at the earliest",
      hint: "make maxWait longer, or health.warmUp and health.minBake shorter",
    }),
  ]);
  expect(
    problemsIn(short.replace("defaults: { health: {} }", "defaults: { health: { warmUp: 0s, minBake: 2s } }")),
  ).toEqual([]);
  expect(
    problemsIn(short.replace("defaults: { health: {} }", "defaults: { health: { minBake: 2 } }")).map(
      ({ path }) => path,
    ),
  ).toEqual(["defaults.health.minBake"]);
});

test("what a rollout does when health regresses is the site's word, else the environment's, else that of defaults", () => {
  const said = (site: string) =>
    parsed(
      text()
        .replace("defaults: {", "defaults: { onRegression: hold,")
        .replace("hosts: [at-1]", "hosts: [at-1], onRegression: revert")
        .replace("    health: {}", `    health: {}${site}`),
    ).sites[0]?.onRegression;
  expect(said("")).toEqual({ acceptance: "revert", production: "hold" });
  expect(said("\n    onRegression: revert")).toEqual({ acceptance: "revert", production: "revert" });
});
