import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { askWorkers, splitAnswers } from "./master-cli.ts";

test("an answer that says nothing keeps its place among others, and one that breaks off is none", () => {
  expect(splitAnswers("0\n\n\n# table: refused\nrow\n\n")).toEqual(["0", "", "# table: refused\nrow"]);
  expect(splitAnswers("0\n\nCan't find the target PID matching the prefix '@!9'\n")).toEqual(["0"]);
});

const oneWorker = "#<PID>  <type>\n1  master  0 [failed: 0]\n# workers\n12  worker  0\n\n";

/** A master with worker 12; answers each command line by `answer` and keeps what it was asked. */
async function masterWith(answer: (command: string) => string) {
  const path = join(tmpdir(), `sl-master-${process.pid}-${Math.trunc(performance.now() * 1000)}.sock`);
  const asked: string[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.setEncoding("utf8").on("data", (line: string) => {
      asked.push(line.trim());
      socket.end(line.trim().split("; ").map(answer).join(""));
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { path, asked };
}

test("a process at rest is asked on one connection; another worker than expected is asked on one of its own", async () => {
  const { path, asked } = await masterWith((command) => (command === "show proc" ? oneWorker : `${command}\n\n`));
  const atRest = await askWorkers(path, ["a", "b"], 12);
  expect([...atRest.answers]).toEqual([[12, ["@!12 a", "@!12 b"]]]);
  expect(asked).toEqual(["show proc; @!12 a; @!12 b"]);
  asked.length = 0;
  const reloaded = await askWorkers(path, ["a"], 11);
  expect([...reloaded.answers]).toEqual([[12, ["@!12 a"]]]);
  expect(asked).toEqual(["show proc; @!11 a", "@!12 a"]);
});

test("a worker that is there and answers only half is an error, never half a reading", async () => {
  const { path } = await masterWith((command) =>
    command === "show proc" ? oneWorker : command === "@!12 a" ? "1\n\n" : "",
  );
  await expect(askWorkers(path, ["a", "b"], 12)).rejects.toThrow("haproxy worker 12");
});
