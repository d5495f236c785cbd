import { expect, test } from "vitest";
import { fillTemplate } from "./fill-template.ts";

test("every mark is replaced, wherever it stands", () => {
  expect(fillTemplate("bind unix@@DIR@/a.sock; port @PORT@", { DIR: "/d", PORT: 80 })).toBe(
    "bind unix@/d/a.sock; port 80",
  );
});

test("a mark without a value is an error that names it", () => {
  expect(() => fillTemplate("@SLOT_PORT@", {})).toThrow("nothing to put in the place of @SLOT_PORT@");
});
