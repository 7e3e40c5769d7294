// Takes one package's tarball through the user's own npm client, so that their registry, proxy and credentials apply.
// The package is neither installed nor run.
import { spawn } from "node:child_process";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { npmCommand } from "../process/programs.js";
import { UserError } from "../process/user-error.js";

export interface NpmPackOptions {
  /** `name@version`. */
  readonly specifier: string;
  /** An existing folder that the tarball is written to; npm's own temporary files go there too, then away. */
  readonly folder: string;
  /** Bytes that have arrived so far. */
  readonly onBytes: (bytes: number) => void;
  /** Called once where nothing has arrived for some seconds; npm goes on trying, for a minute or more. */
  readonly onSilence: () => void;
  /** How long that is, in milliseconds. */
  readonly silence?: number;
  readonly signal?: AbortSignal;
}

const SILENCE_MILLISECONDS = 4000;
const MEASURE_EVERY_MILLISECONDS = 200;

/** Path of the tarball. Throws a UserError that says why npm failed. */
export async function npmPack(options: NpmPackOptions): Promise<string> {
  const { specifier, folder, onBytes, onSilence, silence = SILENCE_MILLISECONDS, signal } = options;
  // npm writes what arrives into its cache first: a cache of our own shows how far it is.
  const npmCache = join(folder, "npm-cache");
  const packed = join(folder, "packed");
  await mkdir(packed);
  const arrived = join(npmCache, "_cacache");
  const measure = setInterval(() => void folderBytes(arrived).then(onBytes), MEASURE_EVERY_MILLISECONDS);
  const listen = setTimeout(async () => (await folderBytes(arrived)) === 0 && onSilence(), silence);
  try {
    const place = ["--pack-destination", packed, "--cache", npmCache];
    const quiet = ["--ignore-scripts", "--no-progress", "--no-update-notifier", "--loglevel=error"];
    await runNpm(["pack", specifier, ...place, ...quiet], specifier, signal);
  } finally {
    clearInterval(measure);
    clearTimeout(listen);
    await rm(npmCache, { recursive: true, force: true });
  }
  const tarball = (await readdir(packed)).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new UserError(`npm pack ${specifier} ended without writing a tarball; try again`);
  return join(packed, tarball);
}

async function runNpm(argumentList: readonly string[], specifier: string, signal?: AbortSignal): Promise<void> {
  const [command, ...first] = npmCommand();
  await new Promise<void>((resolve, reject) => {
    const child = spawn(command, [...first, ...argumentList], {
      stdio: ["ignore", "ignore", "pipe"],
      windowsHide: true,
      signal,
    });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") return reject(error);
      reject(new UserError(`there is no npm on the PATH, which fetches ${specifier}; ${OTHER_WAY}`));
    });
    child.on("close", (code, killedBy) => {
      if (code === 0) return resolve();
      reject(new UserError(explainFailure(specifier, complaint, killedBy ?? `exit code ${code}`)));
    });
  });
}

const OTHER_WAY = "or set data.path to a copy of the data set that you already have";

/** npm's error codes, in the order they are looked for, with what they mean to the reader. */
const FAILURES: readonly (readonly [pattern: RegExp, explanation: string])[] = [
  [/\bENOSPC\b/, "the disk is full; make room, or set NETC_CACHE to a folder on another disk"],
  [/\bEINTEGRITY\b/, "what arrived does not match its checksum; try again"],
  [
    /\bE404\b|\bETARGET\b/,
    `the registry that npm is set to has no such package; choose another registry, ${OTHER_WAY}`,
  ],
  [/\bE401\b|\bE403\b/, `the registry that npm is set to refuses it; log in with npm, ${OTHER_WAY}`],
  [
    /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT)\b/,
    `the registry cannot be reached; connect to the network, ${OTHER_WAY}`,
  ],
];

function explainFailure(specifier: string, complaint: string, ending: string): string {
  for (const [pattern, explanation] of FAILURES) {
    if (pattern.test(complaint)) return `npm could not fetch ${specifier}: ${explanation}`;
  }
  const said = complaint.split("\n").findLast((line) => /^npm (error|ERR!) (?!A complete log)/.test(line));
  const reason = said?.replace(/^npm (error|ERR!) /, "").trim() ?? ending;
  return `npm could not fetch ${specifier} (${reason}); run \`npm pack ${specifier}\` to see why, ${OTHER_WAY}`;
}

async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (found) => (found.isFile() ? found.size : 0),
        () => 0, // npm renames its files as it goes
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
