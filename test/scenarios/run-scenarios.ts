import { readdir, writeFile } from "node:fs/promises";
import { script } from "../house/options.ts";
import { playFile } from "./play/script.ts";

/**
 * Plays scenarios and tells which are not as they are written: `node test/scenarios/run-scenarios.ts [NAME …]`. With
 * `--update` what is said now is written beneath every command; the difference is for the reviewer to read.
 */
const program = script("scenarios", "plays scenarios and tells which are not as they are written")
  .argument("[names...]", "those with one of these in their name")
  .option("--update", "writes beneath every command what is said now; the difference is for review", false)
  .addHelpText("after", "\nExit codes: 0 all as written · 1 one is not · 2 wrong usage")
  .parse();
const { update } = program.opts<{ update: boolean }>();
const positionals = program.args;
const folder = new URL("./", import.meta.url);
const all = (await readdir(folder)).filter((name) => name.endsWith(".txt")).sort();
const chosen = positionals.length === 0 ? all : all.filter((name) => positionals.some((part) => name.includes(part)));
if (chosen.length === 0) {
  console.error(`cannot find a scenario of that name; there are\n${all.join("\n")}`);
  process.exit(2);
}
let different = 0;
for (const name of chosen) {
  const file = new URL(name, folder).pathname;
  const began = performance.now();
  try {
    const { written, played } = await playFile(file);
    const isSame = written === played;
    if (!isSame) different++;
    if (!isSame && update) await writeFile(file, played);
    const word = isSame ? "as written" : update ? "written anew" : "DIFFERENT";
    console.log(`${word}  ${name}  (${Math.round(performance.now() - began)} ms)`);
  } catch (error) {
    different++;
    console.error(`BROKEN  ${name}: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
if (different > 0 && !update) {
  console.log(
    `${different} of ${chosen.length} are not as written: npm run scenarios -- --update, then read the difference`,
  );
  process.exitCode = 1;
}
