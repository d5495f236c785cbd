import { expect, test } from "vitest";
import { installedHaproxy } from "./installed-haproxy.ts";

const missing = () => Promise.reject(new Error("it is not installed"));

test("without HAProxy its tests are left out on a laptop, and fail in CI", async () => {
  expect(await installedHaproxy(false, missing)).toBeUndefined();
  await expect(installedHaproxy(true, missing)).rejects.toThrow("it is not installed");
});

test("in CI, HAProxy is there", async () => {
  if (process.env["CI"] === "true") expect((await installedHaproxy())?.version).toMatch(/^\d+\.\d+/);
});
