import { expect, test } from "vitest";
import { judgeHaproxy } from "./find-haproxy.ts";

const said = (version: string): string =>
  `HAProxy version ${version} 2026/10/17 - https://haproxy.org/\nStatus: long-term`;

test("a version from 2.6 on is taken, with what is known to be wrong with it", () => {
  const debian = judgeHaproxy("/usr/sbin/haproxy", said("2.6.12-1+deb12u4"));
  expect(debian).toMatchObject({ path: "/usr/sbin/haproxy", version: "2.6.12-1+deb12u4" });
  expect(debian.quirks.join("\n")).toContain("haproxy#2114");
  expect(debian.quirks.join("\n")).toContain("haproxy#2262");
  expect(judgeHaproxy("/usr/sbin/haproxy", said("2.6.16")).quirks.join("\n")).not.toContain("haproxy#2262");
  expect(judgeHaproxy("/usr/sbin/haproxy", said("3.0.5")).quirks).toEqual([]);
});

test.each(["2.5.14", "2.4.22-0+deb11u1", "1.8.30"])(
  "%s is refused, saying what is needed and what it means for traffic",
  (version) => {
    expect(() => judgeHaproxy("/usr/sbin/haproxy", said(version))).toThrow(
      `cannot use engine haproxy: /usr/sbin/haproxy is ${version}, at least 2.6 is needed; traffic stays where it is`,
    );
  },
);

test("a program that does not say its version is refused", () => {
  expect(() => judgeHaproxy("/bin/true", "")).toThrow("does not say its version");
});
