import { parentPort, workerData } from "node:worker_threads";
import { studies } from "./studies.ts";
import type { StudyOptions } from "./study.ts";

/** Runs one study in a thread of its own and posts its result. */
const { name, options }: { readonly name: string; readonly options: StudyOptions } = workerData;
const study = studies.find((one) => one.name === name);
if (study === undefined) throw new Error(`cannot find study '${name}'`);
parentPort?.postMessage(study.run(options));
