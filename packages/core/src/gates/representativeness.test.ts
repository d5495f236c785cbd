import { expect, test } from "vitest";
import { parsed } from "../fleet/fleet-text.sample.ts";
import { findUnrepresented } from "./representativeness.ts";

const internal = "{ name: a.internal, kind: internal, port: 80 }";
const open = "{ name: a.example, kind: public, port: 81 }";
const behindEdge = '{ name: a.example, kind: public, port: 443, tls: shop, edge: "https://a.example" }';
const overTls = "{ name: a.example, kind: public, port: 443, tls: shop }";

/** What the bindings of acceptance say nothing about. */
function sentences(acceptance: string | undefined, production: string): readonly string[] {
  const fleet = parsed(
    [
      "fleet: acme",
      "environments: [{ name: development, hosts: [d] }, { name: acceptance, hosts: [a] }, { name: production, hosts: [p] }]",
      "certificates: { shop: { cert: /c, key: /k } }",
      "sites:",
      "  shop:",
      "    run: { driver: process, command: [x] }",
      "    bindings:",
      ...(acceptance === undefined ? [] : [`      acceptance: [${acceptance}]`]),
      `      production: [${production}]`,
    ].join("\n"),
  );
  return findUnrepresented(fleet).map(({ environment, site, sentence }) => `${environment} ${site}: ${sentence}`);
}

test("a public name in production and none below is what nothing below could show", () => {
  expect(sentences(internal, `${internal}, ${behindEdge}`)).toEqual([
    "production shop: production has 1 public binding of shop over TLS with an edge, acceptance has 0 public bindings",
  ]);
});

test("TLS and the edge are told apart from the kind", () => {
  expect(sentences(`${internal}, ${open}`, `${internal}, ${behindEdge}`)).toEqual([
    "production shop: production has 1 public binding of shop over TLS with an edge, acceptance has 1 public binding, none of them like that",
  ]);
  // Nothing but the TLS differs.
  expect(sentences(open, overTls)).toEqual([
    "production shop: production has 1 public binding of shop over TLS without an edge, acceptance has 1 public binding, none of them like that",
  ]);
  expect(sentences(`${internal}, ${behindEdge}`, `${internal}, ${overTls}`)).toEqual([
    "production shop: production has 1 public binding of shop over TLS without an edge, acceptance has 1 public binding, none of them like that",
  ]);
});

test("the same kinds, in whatever number, are represented; what only the environment below has does not matter", () => {
  expect(sentences(`${internal}, ${behindEdge}`, behindEdge)).toEqual([]);
});

test("environments without the site are passed over, and a site that is in one only has nothing below it", () => {
  expect(sentences(undefined, behindEdge)).toEqual([]);
});
