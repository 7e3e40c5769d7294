import { mkdirSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { WatchServer } from "../../../src/cli/watch/watch-server.js";
import { startWatchServer } from "../../../src/cli/watch/watch-server.js";
import { allRunsUnder, oneRun } from "../../../src/cli/watch/watched-runs.js";
import { runFolderAt } from "../../../src/runtime/run/run-folder.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { programOf, runTiny } from "../../support/tiny-run.js";

async function watched(): Promise<{ server: WatchServer; folder: string }> {
  const folder = await temporaryFolder();
  await runTiny(folder, programOf(), { maxSteps: 5 });
  const server = await startWatchServer(oneRun(runFolderAt(folder)), 0, { poll: 50, heartbeat: 1000 });
  onTestFinished(() => server.close());
  return { server, folder };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** `fetch` does not let a caller choose the host's name, which is what a rebound page would send. */
function get(server: WatchServer, path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, server.url), { headers, method }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => (body += piece));
      response.on("end", () => resolve({ status: response.statusCode!, body }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

describe("the server of a run's live page", () => {
  it("serves the report on the loopback address, with the script that keeps it up to date", async () => {
    const { server } = await watched();
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    const { status, body } = await get(server, "/");
    expect(status).toBe(200);
    expect(body).toContain("<h1>tiny</h1>");
    expect(body).toContain('new EventSource("/events")');
    expect(body).toContain('<h2 id="confusion">Confusion matrix</h2>'); // with when it will come
  });

  it("refuses other hosts' names, other methods and other places", async () => {
    const { server } = await watched();
    expect((await get(server, "/", { Host: "evil.example" })).status).toBe(403);
    expect((await get(server, "/", { Host: "127.0.0.1.evil.example" })).status).toBe(403);
    expect((await get(server, "/", { Host: "localhost:1" })).status).toBe(200);
    expect((await get(server, "/", {}, "POST")).status).toBe(405);
    expect((await get(server, "/../../etc/passwd")).status).toBe(404);
  });

  it("tells the page when the run has gone on", async () => {
    const { server, folder } = await watched();
    const response = await fetch(new URL("events", server.url));
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const nextChange = async (): Promise<string> => {
      let text = "";
      while (!text.includes("event: change")) text += (await reader.read()).value ?? "";
      return text;
    };
    expect(await nextChange()).toContain("retry: 1000"); // for what happened before the page was there
    await runTiny(folder, programOf());
    expect(await nextChange()).toMatch(/^((event: change\ndata: |: still here)\n\n)+$/);
    await reader.cancel();
  });

  it("shows all runs of a folder, follows the newest, and gives each a page", async () => {
    const parent = await temporaryFolder();
    for (const name of ["first", "the second"]) mkdirSync(join(parent, name));
    await runTiny(join(parent, "first"), programOf(), { maxSteps: 2 });
    const server = await startWatchServer(allRunsUnder(parent), 0, { poll: 50, heartbeat: 1000 });
    onTestFinished(() => server.close());
    expect((await get(server, "/")).body).not.toContain('class="runs"'); // there is nothing to choose from
    await runTiny(join(parent, "the second"), programOf(), { maxSteps: 2 });
    const { body } = await get(server, "/");
    expect(body).toContain('<a href="/run/the%20second" aria-current="page">');
    expect(body).toContain('<a href="/run/first">');
    expect((await get(server, "/run/first")).body).toContain('<a href="/run/first" aria-current="page">');
    expect((await get(server, "/run/third")).status).toBe(404);
  });
});
