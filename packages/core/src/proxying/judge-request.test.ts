import fc from "fast-check";
import { expect, test } from "vitest";
import { judgeRequest, type RequestHead } from "./judge-request.ts";

const usual: RequestHead = { method: "GET", target: "/", httpVersion: "1.1", rawHeaders: ["Host", "App.test:8080"] };

test("a plain request passes with its host read once", () => {
  expect(judgeRequest(usual)).toEqual({ kind: "ok", host: { name: "app.test", port: 8080 }, target: "/" });
});

test("absolute form passes when it names the same host, in origin form", () => {
  const target = "http://APP.test:8080/x?y=1";
  expect(judgeRequest({ ...usual, target })).toMatchObject({ kind: "ok", target: "/x?y=1" });
  expect(judgeRequest({ ...usual, target: "http://app.test:8080?y=1" })).toMatchObject({ kind: "ok", target: "/?y=1" });
  expect(judgeRequest({ ...usual, method: "OPTIONS", target: "*" })).toMatchObject({ kind: "ok", target: "*" });
});

const refused: readonly (readonly [string, Partial<RequestHead>])[] = [
  ["no Host", { rawHeaders: [] }],
  ["no Host in HTTP/1.0", { rawHeaders: [], httpVersion: "1.0" }],
  ["two Hosts", { rawHeaders: ["Host", "app.test", "host", "app.test"] }],
  ["userinfo in Host", { rawHeaders: ["Host", "a@app.test"] }],
  ["a path in Host", { rawHeaders: ["Host", "app.test/evil"] }],
  ["an absolute target with another host", { target: "http://evil.test/" }],
  ["an absolute target with another port", { target: "http://app.test/" }],
  ["an absolute target with userinfo", { target: "http://x@app.test:8080/" }],
  ["a fragment", { target: "/x#y" }],
  ["a space in the target", { target: "/x y" }],
  ["an asterisk for GET", { target: "*" }],
  ["an authority as target", { target: "app.test:8080" }],
  [
    "Transfer-Encoding in HTTP/1.0",
    { httpVersion: "1.0", rawHeaders: ["Host", "app.test", "Transfer-Encoding", "chunked"] },
  ],
  ["another Transfer-Encoding", { rawHeaders: ["Host", "app.test", "Transfer-Encoding", "gzip, chunked"] }],
  [
    "two Transfer-Encodings",
    { rawHeaders: ["Host", "app.test", "Transfer-Encoding", "chunked", "transfer-encoding", "chunked"] },
  ],
  ["a length and chunks", { rawHeaders: ["Host", "app.test", "Content-Length", "5", "Transfer-Encoding", "chunked"] }],
  ["two lengths", { rawHeaders: ["Host", "app.test", "Content-Length", "5", "Content-Length", "5"] }],
  ["a signed length", { rawHeaders: ["Host", "app.test", "Content-Length", "+5"] }],
  ["NUL in a header", { rawHeaders: ["Host", "app.test", "X", "a\0b"] }],
  ["a line break in a header", { rawHeaders: ["Host", "app.test", "X", "a\r\nY: b"] }],
  ["HTTP/2.0", { httpVersion: "2.0" }],
];

test.each(refused)("%s is refused", (_, change) => {
  expect(judgeRequest({ ...usual, ...change }).kind).toBe("refused");
});

test("a target that passes begins with a slash and has no fragment", () => {
  fc.assert(
    fc.property(fc.string(), (target) => {
      const judgement = judgeRequest({ ...usual, target });
      if (judgement.kind === "ok") expect(judgement.target).toMatch(/^\/[^#\s]*$/);
    }),
  );
});
