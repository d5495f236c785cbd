import { expect, test } from "vitest";
import { formatHostName, parseHostName } from "./host-name.ts";

test("a host name is lower case, without its trailing dot, and the port is apart", () => {
  expect(parseHostName("WWW.Shop.Example.:8443")).toEqual({ name: "www.shop.example", port: 8443 });
  expect(parseHostName("localhost")).toEqual({ name: "localhost" });
  expect(parseHostName("[::1]:80")).toEqual({ name: "[::1]", port: 80 });
});

test.each([
  "",
  ".",
  "a..b",
  "a.b..",
  "user@host",
  "host/path",
  "host?x",
  "host#x",
  "a b",
  "a:b",
  "a:",
  "a:0",
  "a:70000",
  "a:80:80",
  "[::1",
  "-a.test",
  "a%2eb",
  "a,b",
  `${"a".repeat(64)}.test`,
])("%j is not a host name", (text) => {
  expect(parseHostName(text)).toBeUndefined();
});

test("a host is written as the client addressed it", () => {
  expect(formatHostName({ name: "app.test" })).toBe("app.test");
  expect(formatHostName({ name: "app.test", port: 81 })).toBe("app.test:81");
});
