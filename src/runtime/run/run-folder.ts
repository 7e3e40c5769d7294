// The folder that holds one run: config.yaml (resolved), kernels.json, pictures.json, start.json, events.jsonl and what follows from it,
// checkpoints/, model/.
// Made for a new run, or opened again to resume one; a lock keeps a second process out of it meanwhile.
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ResolvedConfig } from "../../compiler/config.js";
import { printConfig } from "../../compiler/front/yaml/print-config.js";
import { sha256Of } from "../files/digest.js";
import { ifThere, textIfThere, unreadable } from "../files/if-there.js";
import { jsonIn } from "../files/parse-json.js";
import { isLocked, withLock } from "../files/with-lock.js";
import { makeFolder, sweepTemporaries, writeFileAtomically } from "../files/write-file-atomically.js";
import { refuseUnmakeable } from "../files/output-file.js";
import { shellWord } from "../process/shell-word.js";
import { UserError } from "../process/user-error.js";
import { readBeginning } from "./event-log.js";

export interface RunFolder {
  readonly path: string;
  readonly config: string;
  /** What set each value of the configuration. */
  readonly origins: string;
  /** The kernels that its first step was computed by. */
  readonly kernels: string;
  /** Which pictures it is trained on, where it has a folder of them. */
  readonly pictures: string;
  /** The weights that it began with, where those were trained before. */
  readonly start: string;
  readonly events: string;
  /** The epochs as a table. */
  readonly metrics: string;
  /** TensorBoard takes every file with "tfevents" in its name. */
  readonly tensorBoard: string;
  readonly checkpoints: string;
  readonly model: string;
}

export function runFolderAt(path: string): RunFolder {
  return {
    path,
    config: join(path, "config.yaml"),
    origins: join(path, "origins.json"),
    kernels: join(path, "kernels.json"),
    pictures: join(path, "pictures.json"),
    start: join(path, "start.json"),
    events: join(path, "events.jsonl"),
    metrics: join(path, "metrics.csv"),
    tensorBoard: join(path, "events.out.tfevents.netc"),
    checkpoints: join(path, "checkpoints"),
    model: join(path, "model"),
  };
}

/** Makes `path` for a new run; refuses a folder that holds anything. */
export async function createRunFolder(path: string, config: ResolvedConfig): Promise<RunFolder> {
  const folder = runFolderAt(path);
  await refuseUsedFolder(path);
  await attempt(path, () => makeFolder(path));
  await writeRunConfig(folder, config);
  return folder;
}

/** @throws UserError where no new run can have `path`: it holds something, or cannot be made. */
export async function refuseUsedFolder(path: string): Promise<void> {
  await refuseUnmakeable(path);
  // What a killed process left under a temporary name is not in the way
  const existing = (await contentsOf(path)).filter((name) => !name.startsWith("."));
  if (existing.includes(basename(runFolderAt(path).config))) {
    throw new UserError(
      `${path} holds another run; continue that one with \`--resume --out ${shellWord(path)}\`, or name another folder`,
    );
  }
  if (existing.length > 0) throw new UserError(`${path} is not empty; name a new folder with \`--out\``);
}

/** Makes `runs/<name>-<yyyymmdd-hhmmss>`, with a number added where two runs begin in one second. */
export async function createDatedRunFolder(parent: string, config: ResolvedConfig, now: Date): Promise<RunFolder> {
  await attempt(parent, () => makeFolder(parent));
  const base = join(parent, `${fileNameOf(config.name)}-${timestamp(now)}`);
  for (let number = 1; ; number++) {
    const path = number === 1 ? base : `${base}-${number}`;
    if (await attempt(path, () => makeIfFree(path))) {
      const folder = runFolderAt(path);
      await writeRunConfig(folder, config);
      return folder;
    }
  }
}

/**
 * The run of this name under `parent` that was begun last, as the logs tell: the names tell the time of the clocks on the wall,
 * which differ between zones and are put back in autumn.
 */
export async function newestRunFolder(parent: string, name: string): Promise<RunFolder> {
  // Before names were cut, a long one stood there as a whole
  const either = [fileNameOf(name), wholeFileNameOf(name)].map(escapeForRegExp).join("|");
  const dated = new RegExp(`^(${either})-\\d{8}-\\d{6}(-\\d+)?$`);
  const names = (await contentsOf(parent)).filter((entry) => dated.test(entry));
  names.sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
  const folders = names.map((entry) => runFolderAt(join(parent, entry)));
  const begun = await Promise.all(folders.map(beginningOf));
  const newest = folders.reduce<number>((best, _, at) => (begun[at]! >= (begun[best] ?? -Infinity) ? at : best), 0);
  if (folders[newest]) return folders[newest];
  throw new UserError(
    `there is no run of ${name} under ${parent} to resume; start one without \`--resume\`, or name its folder with \`--out\``,
  );
}

/** Of a run that was stopped before its first event, when its file was written. */
async function beginningOf({ events, config, path }: RunFolder): Promise<number> {
  const logged = await readBeginning(events);
  if (logged !== undefined && !Number.isNaN(logged)) return logged;
  const found = (await ifThere(config, stat(config))) ?? (await ifThere(path, stat(path)));
  return found?.mtimeMs ?? -Infinity;
}

export async function writeRunConfig(folder: RunFolder, config: ResolvedConfig): Promise<void> {
  await attempt(folder.path, () => writeFileAtomically(folder.config, printConfig(config)));
}

/** The resolved configuration as text, as the run last used it. */
export async function readRunConfig(folder: RunFolder): Promise<string> {
  const text = await textIfThere(folder.config);
  if (text !== undefined) return text;
  throw new UserError(`${folder.path} holds no run to resume: ${folder.config} is missing`);
}

/** What a session reports (`Session.kernels`), kept before the first step: a measurement may turn out otherwise next time. */
export async function writeRunKernels(folder: RunFolder, kernels: Readonly<Record<string, string>>): Promise<void> {
  await attempt(folder.path, () => writeFileAtomically(folder.kernels, JSON.stringify(kernels, null, 2) + "\n"));
}

/** Undefined where the run was stopped before it had chosen. @throws UserError where its choice cannot be read. */
export async function readRunKernels(folder: RunFolder): Promise<Readonly<Record<string, string>> | undefined> {
  const text = await textIfThere(folder.kernels);
  if (text === undefined) return undefined;
  const kernels = jsonIn(text);
  if (isRecordOfNames(kernels)) return kernels;
  throw new UserError(
    `${folder.kernels} is damaged, so the kernels that the run began with are not known; remove it to begin the ` +
      "run again with kernels chosen anew, whose results differ in their last bits",
  );
}

function isRecordOfNames(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((name) => typeof name === "string");
}

/**
 * Runs `work` while no other process trains in this folder; refuses at once where one does. The work's signal aborts where
 * another process has taken the folder over: nothing is to be written to it then.
 */
export async function whileLocked<T>(folder: RunFolder, work: (lost: AbortSignal) => Promise<T>): Promise<T> {
  return withLock(lockOf(folder), work, {
    ownerMayPause: true,
    onLost: ({ pid, host }) =>
      new UserError(
        `process ${pid} on ${host} has taken over ${folder.path}, since this one had been silent for too long; ` +
          "the run is left to it",
      ),
    onWait: (owner) => {
      const who = owner ? `process ${owner.pid} on ${owner.host}` : "another process";
      throw new UserError(`${folder.path} is in use by ${who}; wait for it to end, or stop it first`);
    },
  });
}

/** Whether a process is training in this folder. */
export async function isInUse(folder: RunFolder): Promise<boolean> {
  return isLocked(lockOf(folder));
}

/**
 * What processes that died while they trained or saved in this folder left behind; only while it is locked. Locks that were
 * taken over and put aside are nobody's.
 */
export async function sweepRunFolder(folder: RunFolder): Promise<void> {
  await sweepTemporaries(folder.path);
  await sweepTemporaries(folder.checkpoints);
  for (const name of await contentsOf(folder.path)) {
    if (name.startsWith(`${basename(lockOf(folder))}.dead-`)) {
      await rm(join(folder.path, name), { recursive: true, force: true });
    }
  }
}

/** All that lies under `parent`, in the order of the names: what of it holds a run, `holdsRun` tells. */
export async function foldersIn(parent: string): Promise<RunFolder[]> {
  return (await contentsOf(parent)).toSorted().map((name) => runFolderAt(join(parent, name)));
}

/** A folder that a run has begun in has its configuration; an event log tells it from any folder with a `config.yaml`. */
export async function holdsRun(folder: RunFolder): Promise<boolean> {
  const names = (await ifThere(folder.path, readdir(folder.path))) ?? [];
  return [folder.config, folder.events].every((file) => names.includes(basename(file)));
}

function lockOf(folder: RunFolder): string {
  return join(folder.path, ".lock");
}

/** Bytes of a run's name in that of its folder; file systems take 255 in all. */
const LONGEST_NAME = 100;

/** What a shell and every file system take as a name: a long one is cut, and told from others that begin alike by a digest. */
function fileNameOf(name: string): string {
  const whole = wholeFileNameOf(name);
  if (Buffer.byteLength(whole) <= LONGEST_NAME) return whole;
  let bytes = 0;
  const kept = [...whole].filter((character) => (bytes += Buffer.byteLength(character)) <= LONGEST_NAME);
  return `${kept.join("")}-${sha256Of(name).slice(0, 8)}`;
}

function wholeFileNameOf(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[.-]+/, "") || "run";
}

function timestamp(now: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const date = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `${date}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}

async function contentsOf(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    if ((error as NodeJS.ErrnoException).code !== "ENOTDIR") throw unreadable(path, error);
    throw new UserError(`${path} cannot be used as a folder: ${(error as Error).message}`);
  }
}

async function makeIfFree(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new UserError(
      `${path} cannot be written (${reason}); name a folder that can be with \`--out\`, or make room in ${dirname(path)}`,
    );
  }
}

function escapeForRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
