import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ask, hostWithFirstRelease, openWorld, until, untilProgress, type World } from "../testing/agent-world.ts";
import { openExternalSite } from "../testing/external-site.ts";

/** Mounts a file system of 64 KiB on the folder; says why not where that is not allowed. */
function mountSmall(folder: string): string | undefined {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", folder], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `cannot mount a small file system: ${String(error)}`;
  }
}

const unmount = (folder: string) => execFileSync("umount", ["--lazy", folder], { stdio: "pipe" });

const live = (world: World) => ask(world.port, "shop.internal").catch(String);
const remarks = (world: World) => world.coordinator.observation?.remarks.join() ?? "";

async function fill(folder: string): Promise<string> {
  const file = join(folder, "filler");
  const { bavail, bsize } = await statfs(folder);
  await writeFile(file, Buffer.alloc(bavail * bsize));
  return file;
}

const whyNotMounted = await (async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-small-"));
  const why = mountSmall(folder);
  if (why === undefined) unmount(folder);
  await rm(folder, { recursive: true, force: true });
  return why;
})();

test("on a full disk an intent is refused and told of, traffic stays, and it is obeyed once there is room", async ({
  skip,
}) => {
  skip(whyNotMounted !== undefined, whyNotMounted);
  const world = await openWorld();
  const site = await openExternalSite();
  const folder = join(world.dataDir, "agent");
  await mkdir(folder, { mode: 0o700 });
  mountSmall(folder);
  onTestFinished(() => void unmount(folder));
  const { one } = await hostWithFirstRelease(world, site.release("1.0.0"));

  const filler = await fill(folder);
  const { generation } = world.order([one, world.proxy, world.front], [site.release("2.0.0")]);
  await until("it is refused", () => world.coordinator.judgements.at(-1)?.generation === generation);
  expect(world.coordinator.judgements.at(-1)).toMatchObject({
    verdict: "unreadable",
    sentence: expect.stringContaining("not obeyed, traffic stays as it is"),
  });
  await until("it is told of", () => remarks(world).includes(`cannot keep intent ${generation}`));
  expect(await live(world)).toBe("200 blue");

  await rm(filler);
  await untilProgress(world, "r2", "provisional");
  expect(await live(world)).toBe("200 green");
  await until("nothing is left to tell of", () => !remarks(world).includes("cannot keep intent"));
});

test.each(["ledger.json", "intent.json"])(
  "an agent that finds its %s unreadable keeps serving, says so, asks for its intent and converges",
  async (file) => {
    const world = await openWorld();
    const site = await openExternalSite();
    const { one, agent } = await hostWithFirstRelease(world, site.release("1.0.0"));
    await agent[Symbol.asyncDispose]();
    await writeFile(join(world.dataDir, "agent", file), "{ half");
    const hellos = world.coordinator.hellos.length;
    await world.start();
    await until("it asks", () => world.coordinator.hellos.length > hellos);
    expect(world.coordinator.hellos.at(-1)?.wantsIntent).toBe(true);
    await until("it says so", () => remarks(world).includes(file));
    expect(await live(world)).toBe("200 blue");
    await until("all is proven again", () => {
      const units = world.coordinator.observation?.units ?? [];
      return (
        units.length === 4 &&
        units.every(
          ({ unit, proven, running }) => unit === "keeper" || (proven !== undefined && proven === running?.digest),
        )
      );
    });
    world.order([one, world.proxy, world.front], [site.release("2.0.0")]);
    await untilProgress(world, "r2", "provisional");
    expect(await live(world)).toBe("200 green");
  },
);
