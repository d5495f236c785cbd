import { readFile } from "node:fs/promises";
import { parseCommandLine, ScriptError } from "./command-line.ts";
import { commands } from "./commands.ts";
import { Stage } from "./stage.ts";

/** What a command says is written under it, behind this; prose never begins with it. */
const indent = "  ";

const isCommand = (line: string): boolean => line.startsWith("> ");

/** Plays a script from the beginning; answers the same script with what is said now beneath every command. */
export function playScript(text: string): string {
  const stage = new Stage();
  const told = text.split("\n").flatMap((line, index) => {
    if (line.startsWith(indent)) return [];
    return isCommand(line) ? [line, ...play(stage, line.slice(2), index + 1)] : [line];
  });
  return told.join("\n");
}

function play(stage: Stage, text: string, lineNumber: number): readonly string[] {
  const line = parseCommandLine(text);
  const command = commands[line.words[0] ?? ""];
  try {
    if (command === undefined)
      throw new ScriptError(`there is no command '${line.words[0]}'; there are ${Object.keys(commands).join(", ")}`);
    const said = [...command(stage, line), ...stage.newEvents()];
    return said
      .flatMap((one) => one.split("\n"))
      .filter((one) => one.trim() !== "")
      .map((one) => `${indent}${one.trimEnd()}`);
  } catch (cause) {
    throw new ScriptError(`line ${lineNumber}, '> ${text}': ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

/** The script of a file, as it is written there and as it is played now. */
export async function playFile(file: string): Promise<{ readonly written: string; readonly played: string }> {
  const written = await readFile(file, "utf8");
  return { written, played: playScript(written) };
}
