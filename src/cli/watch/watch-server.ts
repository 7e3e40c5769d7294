// Runs → their reports over HTTP on the loopback address, with a word to the page whenever a run has gone on. `/` follows the
// newest; where there are several, each has a page of its own besides.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { basename } from "node:path";
import type { RunFolder } from "../../runtime/run/run-folder.js";
import { readOrigins } from "../../runtime/run/run-origins.js";
import { renderReport } from "../report/render-report.js";
import type { RunLink } from "../report/view.js";
import { reportView } from "../report/view.js";
import { formatPercent } from "../screen/terminal.js";
import type { WatchedRuns } from "./watched-runs.js";
import { pageOf, RunReader, versionOf } from "./watched-runs.js";

export interface WatchTiming {
  /** How often the run is looked at, in milliseconds. */
  readonly poll: number;
  /** A comment that often keeps proxies and browsers from closing a silent stream. */
  readonly heartbeat: number;
}

const TIMING: WatchTiming = { poll: 1000, heartbeat: 15_000 };
const ADDRESS = "127.0.0.1";

export interface WatchServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Rejects with Node's error where the port is taken. */
export async function startWatchServer(
  runs: WatchedRuns,
  port: number,
  timing: WatchTiming = TIMING,
): Promise<WatchServer> {
  const streams = new Set<ServerResponse>();
  const reader = new RunReader();
  const server = createServer((request, response) => {
    void answer(request, response, { runs, reader, streams }).catch(() => response.destroy());
  });
  await listen(server, port);
  const versions = async (): Promise<string> => (await Promise.all((await runs.list()).map(versionOf))).join("\n");
  let seen = await versions();
  const look = async (): Promise<void> => {
    const version = await versions();
    if (version !== seen) for (const stream of streams) stream.write("event: change\ndata: \n\n");
    seen = version;
  };
  const poll = setInterval(() => void look(), timing.poll);
  const heartbeat = setInterval(() => {
    for (const stream of streams) stream.write(": still here\n\n");
  }, timing.heartbeat);
  const address = server.address();
  const actual = typeof address === "object" && address ? address.port : port;
  return {
    url: `http://${ADDRESS}:${actual}/`,
    close: async () => {
      clearInterval(poll);
      clearInterval(heartbeat);
      for (const stream of streams) stream.end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Served {
  readonly runs: WatchedRuns;
  readonly reader: RunReader;
  readonly streams: Set<ServerResponse>;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { runs, reader, streams }: Served,
): Promise<void> {
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("X-Content-Type-Options", "nosniff");
  if (!isOwnHost(request.headers.host)) return refuse(response, 403, "this server answers to its own address only");
  if (request.method !== "GET") return refuse(response, 405, "this server can be read, nothing else");
  if (request.url === "/events") {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write("retry: 1000\n\n");
    streams.add(response);
    response.on("close", () => streams.delete(response));
    // What happened while a page was not connected is not lost on it
    response.write("event: change\ndata: \n\n");
    return;
  }
  const folders = await runs.list();
  const folder = request.url === "/" ? folders[0] : folders.find((one) => pageOf(one) === request.url);
  if (!folder) return refuse(response, 404, "there is nothing here but the reports of runs, from / on");
  const view = reportView([await reader.read(folder)], {
    isLive: true,
    origins: await readOrigins(folder),
    runs: folders.length > 1 ? await linksTo(folders, folder, reader) : [],
  });
  response.setHeader(
    "Content-Security-Policy",
    "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'",
  );
  response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" });
  response.end(await renderReport(view));
}

async function linksTo(folders: readonly RunFolder[], shown: RunFolder, reader: RunReader): Promise<RunLink[]> {
  const links: RunLink[] = [];
  for (const folder of folders) {
    const run = await reader.readIfPossible(folder);
    if (!run) continue;
    const { testEvaluation, lastEvaluation } = run;
    const measured = testEvaluation ?? lastEvaluation;
    links.push({
      name: basename(folder.path),
      address: pageOf(folder),
      state: run.state,
      accuracy: measured ? formatPercent(measured.accuracy) : "–",
      isShown: folder === shown,
    });
  }
  return links;
}

/** A page of another site whose name was made to point here would send that name (DNS rebinding). */
function isOwnHost(host: string | undefined): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host ?? "");
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
  response.end(`${reason}\n`);
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, ADDRESS, resolve);
  });
}
