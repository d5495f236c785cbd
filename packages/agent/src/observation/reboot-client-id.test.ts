import { expect, test } from "vitest";
import { readRebootClientId, rebootClientIdOf } from "./reboot-client-id.ts";

test("a machine is named as Zincati names it", () => {
  // The vector of poseidon/fleetlock, which maps the same ids.
  expect(rebootClientIdOf("1c09ca98649c4c7abc779cd04c96812e\n")).toBe("978a225b3d7b40e9acd7ce9b62f68444");
  expect(rebootClientIdOf("1c09ca98-649c-4c7a-bc77-9cd04c96812e")).toBe("978a225b3d7b40e9acd7ce9b62f68444");
});

test("a machine without an id has no name", () => {
  expect(rebootClientIdOf("uninitialized")).toBeUndefined();
  expect(readRebootClientId("/nowhere/machine-id")).toBeUndefined();
});
