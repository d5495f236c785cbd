import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { playFile, playScript } from "./play/script.ts";

const folder = new URL("./", import.meta.url);
const scenarios = readdirSync(folder).filter((name) => name.endsWith(".txt"));

test("there is a scenario for every guarantee that operators rely on, the incident among them", () => {
  expect(scenarios.length).toBeGreaterThanOrEqual(25);
  expect(scenarios).toContain("the-incident-day-by-day.txt");
});

test.each(scenarios)(
  "%s plays as it is written (else: npm run scenarios -- --update, and read the difference)",
  async (name) => {
    const { written, played } = await playFile(new URL(name, folder).pathname);
    expect(played).toBe(written);
  },
);

test("docs/timeline.md has every kind of event that happens in them", () => {
  const docs = readFileSync(new URL("../../docs/timeline.md", folder), "utf8");
  const texts = scenarios.map((name) => readFileSync(new URL(name, folder), "utf8"));
  const kinds = new Set(
    texts.flatMap((text) => [...text.matchAll(/^ {2}[\d:]{8} {2}([a-z]+\.[a-z-]+)/gm)].map(([, kind]) => kind)),
  );
  expect(kinds.size).toBeGreaterThan(25);
  expect([...kinds].filter((kind) => !docs.includes(`\`${kind}\``))).toEqual([]);
});

describe("a script", () => {
  test("plays the same every time, whatever was recorded beneath its commands", () => {
    const script = "Prose.\n\n> fleet --production 1\n> deploy shop 2\n> advance until completed\n> status\n";
    const played = playScript(script);
    expect(played).toContain("rollout.completed  shop 2 is completed");
    expect(playScript(played.replace("is completed", "went somewhere else"))).toBe(played);
  });

  test.each([
    [
      "> fleet\n> deploi shop 2",
      "line 2, '> deploi shop 2': there is no command 'deploi'; there are fleet, apply, advance",
    ],
    ["> deploy shop 2", "there is no fleet yet; begin with '> fleet'"],
    ["> fleet --hosts 3", "it has no option --hosts; it takes --acceptance, --production"],
    ["> fleet\n> deploy shop 2\n> advance until reverted", "rollout r-1 is not reverted but completed"],
    ["> fleet\n> deploy shop 2 --behaves strangely", "behaviours are good, dies-on-start"],
    ["> fleet\n> kill agent web-9", "there is no host 'web-9'; there are at-1, web-1"],
  ])("that cannot be played says where and why: %j", (script, sentence) => {
    expect(() => playScript(script)).toThrow(sentence);
  });
});
