import { expect, test } from "vitest";
import { createBindingIndex } from "./match-binding.ts";

const index = createBindingIndex([
  { name: "app.test", bindingPort: 80 },
  { name: "*.app.test", bindingPort: 80 },
  { name: "www.app.test", bindingPort: 80 },
  { name: "app.test", bindingPort: 443 },
]);

test("a binding is found by its name and the port it came in on", () => {
  expect(index.match("app.test", 443)).toEqual({ name: "app.test", bindingPort: 443 });
  expect(index.match("www.app.test", 443)).toBeUndefined();
  expect(index.match("app.test", 8080)).toBeUndefined();
});

test("an exact name wins over a wildcard, which stands for one label", () => {
  expect(index.match("www.app.test", 80)?.name).toBe("www.app.test");
  expect(index.match("other.app.test", 80)?.name).toBe("*.app.test");
  expect(index.match("a.b.app.test", 80)).toBeUndefined();
  expect(index.match("localhost", 80)).toBeUndefined();
});
