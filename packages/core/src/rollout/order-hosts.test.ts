import fc from "fast-check";
import { expect, test } from "vitest";
import { orderHosts } from "./order-hosts.ts";

const requests: Readonly<Record<string, number>> = { a: 500, b: 0, c: 20, d: 20 };
const requestsOn = (host: string): number => requests[host] ?? 0;

test("without canaries the order of the environment stays, and nobody counts requests", () => {
  const refuse = (): never => {
    throw new Error("nobody asked");
  };
  expect(orderHosts(["b", "a"], undefined, refuse)).toEqual(["b", "a"]);
  expect(orderHosts(["b", "a"], { kind: "hosts", hosts: ["a"] }, refuse)).toEqual(["a", "b"]);
});

test("named canaries go first in the order in which they are named, as far as they take part", () => {
  expect(orderHosts(["a", "b", "c"], { kind: "hosts", hosts: ["c", "x", "b"] }, requestsOn)).toEqual(["c", "b", "a"]);
});

test("the host with the fewest requests goes first, and one that nobody comes to does not", () => {
  expect(orderHosts(["a", "b", "c", "d"], { kind: "least-traffic" }, requestsOn)).toEqual(["c", "a", "b", "d"]);
  expect(orderHosts(["b"], { kind: "least-traffic" }, requestsOn)).toEqual(["b"]);
});

test("whoever goes first, nobody is lost and nobody comes twice", () => {
  const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"));
  const canary = fc.option(
    fc.oneof(
      fc.constant({ kind: "least-traffic" } as const),
      names.map((hosts) => ({ kind: "hosts" as const, hosts })),
    ),
    { nil: undefined },
  );
  fc.assert(
    fc.property(names, canary, (hosts, first) => {
      expect(orderHosts(hosts, first, requestsOn).toSorted()).toEqual(hosts.toSorted());
    }),
  );
});
