import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Secrets } from "./secrets.ts";

test("a secret is read anew each time, without the line end that editors add", async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), "sluice-secrets-"));
  await mkdir(join(dir.path, "secrets"));
  const secrets = new Secrets(dir.path);
  await writeFile(join(dir.path, "secrets", "hook"), "https://hooks.example/a\n");
  expect((await secrets.url({ urlFile: "hook" })).href).toBe("https://hooks.example/a");
  await writeFile(join(dir.path, "secrets", "hook"), "https://hooks.example/b");
  expect((await secrets.url({ urlFile: "hook" })).href).toBe("https://hooks.example/b");
});

test.each([
  ["nothing", undefined, "cannot read the file 'hook' in the folder of secrets (ENOENT)"],
  ["two lines", "https://a\nhttps://b", "the file 'hook' in the folder of secrets is not one line of text"],
  ["no URL", "s3cret", "the file 'hook' in the folder of secrets is no http or https URL"],
  ["a URL of another kind", "file:///etc/shadow", "the file 'hook' in the folder of secrets is no http or https URL"],
])("%s is refused without telling what is in it", async (_, content, message) => {
  await using dir = await mkdtempDisposable(join(tmpdir(), "sluice-secrets-"));
  await mkdir(join(dir.path, "secrets"));
  if (content !== undefined) await writeFile(join(dir.path, "secrets", "hook"), content);
  await expect(new Secrets(dir.path).url({ urlFile: "hook" })).rejects.toMatchObject({ message });
});
