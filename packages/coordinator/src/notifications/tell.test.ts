import { durationMs, Problem } from "@sluice/core";
import { expect, test } from "vitest";
import { type Receiver, startReceiver } from "../testing/receiver.ts";
import { type Outcome, Teller } from "./tell.ts";

const signal = new AbortController().signal;
const telling = (receiver: Receiver) => ({
  method: "POST" as const,
  post: async () => ({ url: new URL(receiver.url), body: { hello: "world" } }),
  signal,
});

test("a message goes out as JSON with its id and its token, and a good answer is no failure", async () => {
  await using receiver = await startReceiver();
  await using teller = new Teller();
  expect(await teller.tell({ ...telling(receiver), id: "m-1", token: async () => "t0ken" })).toEqual({});
  expect(receiver.received).toMatchObject([
    {
      method: "POST",
      body: { hello: "world" },
      headers: { "content-type": "application/json", "idempotency-key": "m-1", authorization: "Bearer t0ken" },
    },
  ]);
});

const forEver: Receiver["answer"] = (response) => {
  response.write("x".repeat(65_536), (error) => {
    // Not at once: the other end could not even go away meanwhile.
    if (error == null && !response.destroyed) setImmediate(forEver, response);
  });
};

const answers: readonly (readonly [string, Receiver["answer"], Outcome])[] = [
  ["an error", (response) => void response.writeHead(500).end("no"), { failure: "it answered 500" }],
  [
    "a refusal for now",
    (response) => void response.writeHead(429, { "retry-after": "30" }).end(),
    { failure: "it answered 429", retryAfterMs: durationMs(30_000) },
  ],
  [
    "a redirect, which could lead anywhere",
    (response) => void response.writeHead(302, { location: "http://169.254.169.254/" }).end(),
    { failure: "it answered 302, and redirects are not followed: give the address it leads to" },
  ],
  ["a line that is cut", (response) => void response.destroy(), { failure: "it could not be asked (UND_ERR_SOCKET)" }],
  ["an endless good answer, of which nothing is kept", forEver, {}],
];

test.each(answers)("%s is one attempt, and is told as what it is", async (_, answer, outcome) => {
  await using receiver = await startReceiver();
  receiver.answer = answer;
  await using teller = new Teller();
  expect(await teller.tell(telling(receiver))).toEqual(outcome);
  expect(receiver.received).toHaveLength(1);
});

test("silence is met by a deadline", async () => {
  await using receiver = await startReceiver();
  receiver.answer = () => undefined;
  await using teller = new Teller(durationMs(50));
  expect(await teller.tell(telling(receiver))).toEqual({ failure: "no answer within 50 ms" });
});

test("what keeps a message from being sent is said without its address", async () => {
  await using teller = new Teller();
  const nobody = new URL("http://127.0.0.1:1/secret-path");
  const refused = await teller.tell({ method: "POST", post: async () => ({ url: nobody, body: {} }), signal });
  expect(refused).toEqual({ failure: "it could not be asked (ECONNREFUSED)" });
  const unreadable = async () => {
    throw new Problem("usage-invalid", "cannot read the file 'slack-url' in the folder of secrets (ENOENT)");
  };
  expect(await teller.tell({ method: "POST", post: unreadable, signal })).toEqual({
    failure: "cannot read the file 'slack-url' in the folder of secrets (ENOENT)",
  });
});
