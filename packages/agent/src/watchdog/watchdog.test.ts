import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeClock } from "@sluice/runtime";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { until } from "../testing/agent-world.ts";
import { Watchdog, watchdogTimings } from "./watchdog.ts";
import { isAlive } from "./watchdog-files.ts";

const quick = { ...watchdogTimings, confirmGraceMs: 0, checkEveryMs: 20, endWithinMs: 1_000, backOffMs: 1 };

/** What every program of these tests does first: it says who it is, and ends with its watchdog. */
const prelude = `
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
const dir = process.argv[2];
const say = (what) => appendFileSync(dir + "/said", what + "\\n");
const told = () => JSON.parse(readFileSync(dir + "/agent/program.json", "utf8"));
const tell = (file) => writeFileSync(dir + "/agent/program.json", JSON.stringify(file));
process.stdin.on("end", () => process.exit(1)).resume();
say([NAME, process.env.SLUICE_AGENT_PROGRAM, process.env.SLUICE_AGENT_TRIAL].join(" "));
`;

/** As an agent that has a grant to try another program: it makes room until it hears that the trial is over. */
const before = `
const { ends } = JSON.parse(readFileSync(dir + "/agent/watchdog.json", "utf8"));
const { trial } = existsSync(dir + "/agent/program.json") ? told() : {};
if (trial !== undefined && ends[trial.grant] === undefined) process.exit(0);
`;

const behaviours = {
  dies: `console.error("Error: Cannot find module 'gone'"); process.exit(1);`,
  hangs: "",
  reports: "const file = told(); tell({ ...file, trial: { ...file.trial, isReported: true } });",
  "is confirmed": "tell({ version: 1, proven: told().trial });",
  "knows of no trial": 'tell({ version: 1 }); console.error("error: cannot read the ledger"); process.exit(0);',
} as const;
type Behaviour = keyof typeof behaviours;

const artifact = `sha256:${"a".repeat(64)}`;
const digest = `sha256:${"b".repeat(64)}`;

let dir: string;
/** What the newest watchdog of {@link watch} has started, also where that ended before it could say anything. */
let started: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "sl-watchdog-"));
  await mkdir(join(dir, "agent"));
  const made = dir;
  onTestFinished(() => rm(made, { recursive: true, force: true }));
});

const program = (name: string, text: string): string => prelude.replace("NAME", JSON.stringify(name)) + text;

async function install(behaviour: Behaviour): Promise<void> {
  const folder = join(dir, "releases", "a".repeat(64));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "main.mjs"), program("new", behaviours[behaviour]));
  await writeFile(join(folder, ".complete"), artifact);
}

const trialFile = (confirmBy: number): string => {
  const files = { artifact, entry: "main.mjs" };
  return JSON.stringify({
    version: 1,
    trial: { digest, release: "2", files, grant: "g", confirmBy, isReported: false },
  });
};

async function order(confirmBy: number): Promise<void> {
  await writeFile(join(dir, "agent", "program.json"), trialFile(confirmBy));
}

async function installed(text: string = before): Promise<string> {
  const entry = join(dir, "installed.mjs");
  await writeFile(entry, program("old", text));
  return entry;
}

/** `text`: what the installed program does, in place of {@link before}. */
async function watch(timings = quick, over: { readonly pid?: number; readonly text?: string } = {}): Promise<Watchdog> {
  const { text = before, ...options } = over;
  started = [];
  const watchdog = new Watchdog({
    dataDir: dir,
    entry: await installed(text),
    args: [dir],
    say: (event, { program: name }) => event === "watchdog.started" && started.push(`${name}`),
    timings,
    clock: nodeClock,
    ...options,
  });
  const ended = watchdog.run();
  onTestFinished(async () => {
    watchdog.stop("SIGTERM");
    await ended;
  });
  return watchdog;
}

const said = async (): Promise<readonly string[]> => {
  const text = await readFile(join(dir, "said"), "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
};
async function untilSaid(count: number): Promise<void> {
  await until(`${count} were started`, async () => (await said()).length >= count, 15_000).catch(async (error) => {
    throw new Error(`${await said()} ${await readFile(join(dir, "agent", "watchdog.json"), "utf8")}`, { cause: error });
  });
}
const untilStarted = (count: number): Promise<void> => until(`${count} were started`, () => started.length >= count);
const onRecord = async () => JSON.parse(await readFile(join(dir, "agent", "watchdog.json"), "utf8"));
const reason = async (): Promise<string> => (await onRecord()).ends.g?.reason ?? "";

const hour = 3_600_000;

/** The trial itself may be over before it could say anything: a machine that is short of everything starts it that late. */
test.each<[Behaviour, number, Partial<typeof quick>, string]>([
  ["dies", hour, {}, "Error: Cannot find module 'gone'"],
  ["hangs", hour, { reportWithinMs: 300 }, "did not report within"],
  ["reports", 1_500, {}, "was not confirmed by its deadline"],
  ["knows of no trial", hour, {}, "error: cannot read the ledger"],
])("a program on trial that %s is ended, and the proven one comes back and can tell why", async (...how) => {
  const [behaviour, inMs, timings, why] = how;
  await install(behaviour);
  await watch({ ...quick, ...timings });
  await untilSaid(1);
  await order(Date.now() + inMs);
  await crash();
  await until("the trial is over", async () => (await reason()) !== "");
  expect(await reason()).toContain(why);
  await until("the program before is back", async () => (await said()).at(-1) === "old installed " && (await tried()));
});

/** The program before has started for the third time: first, after its crash, and after the trial. */
const tried = async (): Promise<boolean> => (await said()).filter((line) => line === "old installed ").length === 3;

/** Kills the program that runs, as a crash would; the one before is started again and makes room by itself. */
async function crash(): Promise<void> {
  await until("it runs and is killed", async () => {
    const { agent } = JSON.parse(await readFile(join(dir, "agent", "watchdog.json"), "utf8"));
    return isAlive(agent) && process.kill(agent.pid, "SIGKILL");
  });
}

test("a program that is confirmed stays, and comes back as the proven one when it crashes", async () => {
  await install("is confirmed");
  await watch();
  await untilSaid(1);
  await order(Date.now() + hour);
  await crash();
  await until("it is confirmed", async () =>
    (await readFile(join(dir, "agent", "program.json"), "utf8")).includes("proven"),
  );
  await crash();
  await until("it is back", async () => (await said()).length >= 4);
  expect((await said()).slice(0, 4)).toEqual(["old installed ", "old installed ", `new ${digest} g`, `new ${digest} `]);
  expect(await reason()).toBe("");
});

test("what was to be tried when the power went is not tried: a restart brings back the proven program", async () => {
  await install("is confirmed");
  await order(Date.now() + hour);
  await watch();
  await untilSaid(1);
  expect(await said()).toEqual(["old installed "]);
  expect(await reason()).toContain("restarted before it was confirmed");
});

test("a proven program whose files are gone is replaced by the one that was installed", async () => {
  await writeFile(join(dir, "agent", "program.json"), trialFile(0).replace('"trial"', '"proven"'));
  await watch();
  await untilSaid(1);
  expect(await said()).toEqual(["old installed "]);
});

const startFile = fileURLToPath(new URL("./start.mjs", import.meta.url));

async function startProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [startFile, dir, await installed(), dir], { stdio: "ignore" });
  onTestFinished(async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  return child;
}

test("a watchdog that is killed takes its agent along, and the next one starts the proven program and no trial", async () => {
  await install("reports");
  const first = await startProcess();
  await untilSaid(1);
  await order(Date.now() + hour);
  await crash();
  await until("the trial runs", async () => (await said()).includes(`new ${digest} g`));
  const { agent } = JSON.parse(await readFile(join(dir, "agent", "watchdog.json"), "utf8"));
  first.kill("SIGKILL");
  await startProcess();
  await until("the proven program is back", async () => (await said()).at(-1) === "old installed ");
  expect(isAlive(agent)).toBe(false);
  expect(await reason()).toContain("restarted before it was confirmed");
});

test("a host has one watchdog: a second one refuses", async () => {
  await startProcess();
  await untilSaid(1);
  const second = await startProcess();
  expect(await once(second, "exit")).toEqual([1, null]);
  expect(await said()).toEqual(["old installed "]);
});

test("a program that falls silent after it was heard is ended and started again, and that is on record", async () => {
  const watchdog = await watch({ ...quick, silentMsMax: 200 });
  await untilSaid(1);
  watchdog.heard();
  await untilSaid(2);
  const { hang } = JSON.parse(await readFile(join(dir, "agent", "watchdog.json"), "utf8"));
  expect(hang.silentMs).toBeGreaterThanOrEqual(200);
});

test("a program that was heard once, and gives no sign after a crash, is ended and started again, and that is on record", async () => {
  const watchdog = await watch({ ...quick, firstSignWithinMs: 200 });
  await untilSaid(1);
  watchdog.heard();
  await until("it is known to give signs", async () => (await onRecord()).signing.length === 1);
  expect((await onRecord()).hang).toBeUndefined();
  await crash();
  await untilStarted(3);
  const { hang } = await onRecord();
  expect(hang.isFirst).toBe(true);
  expect(hang.silentMs).toBeGreaterThanOrEqual(200);
});

test("a proven program that was heard before the host restarted is expected to be heard again", async () => {
  await install("hangs");
  await writeFile(join(dir, "agent", "program.json"), trialFile(0).replace('"trial"', '"proven"'));
  await writeFile(join(dir, "agent", "watchdog.json"), JSON.stringify({ ends: {}, signing: [digest] }));
  await watch({ ...quick, firstSignWithinMs: 200 });
  await untilStarted(2);
  expect(started.slice(0, 2)).toEqual([digest, digest]);
  expect((await onRecord()).hang.isFirst).toBe(true);
});

test("the installed program that a watchdog is part of is expected to be heard from its first start on", async () => {
  await watch({ ...quick, firstSignWithinMs: 200 }, { pid: process.pid });
  await untilStarted(2);
  expect((await onRecord()).hang.isFirst).toBe(true);
});

test("a program that was never heard, as older ones are not, is waited for by nobody", async () => {
  const text = 'setTimeout(() => say("still here"), 500);';
  await watch({ ...quick, firstSignWithinMs: 50, silentMsMax: 50 }, { text });
  await untilSaid(2);
  expect(await said()).toEqual(["old installed ", "still here"]);
});

test("a hung program that ends well when it is asked to makes no room for one on trial", async () => {
  await install("hangs");
  const text = 'process.on("SIGTERM", () => process.exit(0)); say("listens");';
  const watchdog = await watch({ ...quick, silentMsMax: 200, endWithinMs: 10_000 }, { text });
  await untilSaid(2);
  await order(Date.now() + hour);
  watchdog.heard();
  await untilStarted(2);
  expect(started.slice(0, 2)).toEqual(["installed", "installed"]);
});

test("a program on trial that falls silent is ended, and the proven one can tell why", async () => {
  await install("hangs");
  const watchdog = await watch({ ...quick, silentMsMax: 200 });
  await untilSaid(1);
  await order(Date.now() + hour);
  await crash();
  await until("the trial runs", async () => (await said()).includes(`new ${digest} g`));
  watchdog.heard();
  await until("the trial is over", async () => (await reason()) !== "");
  expect(await reason()).toContain("gave no sign of life");
});

test("signs of life reach the watchdog, which goes on by them", async () => {
  const sign = `setInterval(() => process.kill(Number(process.env.SLUICE_AGENT_LISTENER), "SIGUSR2"), 10);`;
  await writeFile(join(dir, "signing.mjs"), `${program("signing", sign)}setTimeout(() => say("signed"), 300);`);
  const child = spawn(process.execPath, [startFile, dir, join(dir, "signing.mjs"), dir], { stdio: "ignore" });
  onTestFinished(async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  await until("it has given signs", async () => (await said()).includes("signed"));
  expect({ code: child.exitCode, signal: child.signalCode }).toEqual({ code: null, signal: null });
});
