import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import type { Way } from "./support/fresh-requests.ts";
import { untilServed, waysTo } from "./support/served-release.ts";
import { beginDownload, beginUpload } from "./support/slow-exchanges.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { openEchoSocket } from "./support/websocket.ts";

/** Longer than the transfers need on a busy machine once they go on. */
const generousDrain = "60s";
const shortDrainMs = 3000;
/** Far less than the drain limit that a defect would fall back to. */
const deploymentMsMax = 20_000;

eachEngine((engine) => {
  let fleet: Fleet;
  let ways: readonly Way[];
  beforeAll(async () => {
    fleet = await startFleet({ engine, drain: generousDrain });
    await fleet.push("shop", "1");
    await fleet.push("shop", "2");
    await fleet.deploy("shop", "1");
    ways = waysTo(fleet.host);
  });
  afterAll(() => fleet?.[Symbol.asyncDispose]());

  const uploadBytes = 200_000_000;
  const downloadBytes = 100_000_000;

  test("a 200 MB upload and a slow reader cross a switch unharmed, on the release they began with", async () => {
    const uploads = await Promise.all(ways.map((way) => beginUpload(way, uploadBytes)));
    const downloads = await Promise.all(ways.map((way) => beginDownload(way, downloadBytes)));
    const id = await fleet.beginDeploy("shop", "2");
    await untilServed(ways, "2");
    const uploaded = await Promise.all(uploads.map((upload) => upload.finish()));
    const downloaded = await Promise.all(downloads.map((download) => download.finish()));
    await fleet.untilCompleted(id);
    console.log(
      `${engine}, long exchanges across a switch: uploads ${uploaded.length} of ${uploadBytes} bytes, downloads ${downloaded.length} of ${downloadBytes} bytes, failed 0, switches 1`,
    );
    expect(uploaded).toEqual(ways.map(() => ({ release: "1", bytes: uploadBytes, whole: true })));
    expect(downloaded).toEqual(ways.map(() => ({ release: "1", bytes: downloadBytes })));
  });

  test("websockets stay on the old slot through a switch, and end when the drain limit has passed", async () => {
    const files = [{ name: "fleet.yaml", text: fleet.text({ drain: `${shortDrainMs}ms` }) }];
    expect((await fleet.client.apply({ files, reason: "shorter drain", overrides: [] })).rolloutIds).toEqual([]);
    using stack = new DisposableStack();
    const sockets = await Promise.all(ways.map(async (way) => stack.use(await openEchoSocket(way))));
    expect(sockets.map(({ release }) => release)).toEqual(["2", "2"]);
    const switchBegins = performance.now();
    const id = await fleet.beginDeploy("shop", "1");
    await untilServed(ways, "1");
    const echoed = await Promise.all(sockets.map((socket) => socket.echo("still there")));
    expect(echoed).toEqual(["still there", "still there"]);
    await fleet.untilCompleted(id);
    await Promise.all(sockets.map(({ closed }) => closed));
    const lastedMs = sockets.map(({ closedAt = 0 }) => Math.round(closedAt - switchBegins));
    console.log(
      `${engine}, websockets across a switch: ${sockets.length}, echoed ${echoed.length}, ended ${lastedMs.join(" and ")} ms after the deployment began, drain limit ${shortDrainMs} ms`,
    );
    for (const ms of lastedMs) {
      expect(ms).toBeGreaterThanOrEqual(shortDrainMs);
      expect(ms).toBeLessThan(shortDrainMs + deploymentMsMax);
    }
  });
});
