// The folder that holds one run: config.yaml (resolved), kernels.json, pictures.json, events.jsonl and what follows from it,
// checkpoints/, model/.
// Made for a new run, or opened again to resume one; a lock keeps a second process out of it meanwhile.
import { mkdir, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ResolvedConfig } from "../../compiler/config.js";
import { printConfig } from "../../compiler/front/yaml/print-config.js";
import { isLocked, withLock } from "../files/with-lock.js";
import { readPlainFile } from "../files/read-plain-file.js";
import { refuseUnmakeable } from "../files/output-file.js";
import { writeFileAtomically } from "../files/write-file-atomically.js";
import { shellWord } from "../process/shell-word.js";
import { UserError } from "../process/user-error.js";
import { sha256Of } from "../files/digest.js";

export interface RunFolder {
  readonly path: string;
  readonly config: string;
  /** What set each value of the configuration. */
  readonly origins: string;
  /** The kernels that its first step was computed by. */
  readonly kernels: string;
  /** Which pictures it is trained on, where it has a folder of them. */
  readonly pictures: string;
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

/** The newest run of this name under `parent`. */
export async function newestRunFolder(parent: string, name: string): Promise<RunFolder> {
  const dated = new RegExp(`^${escapeForRegExp(fileNameOf(name))}-\\d{8}-\\d{6}(-\\d+)?$`);
  const names = (await contentsOf(parent)).filter((entry) => dated.test(entry));
  const newest = names.sort((one, other) => one.localeCompare(other, "en", { numeric: true })).at(-1);
  if (newest) return runFolderAt(join(parent, newest));
  throw new UserError(
    `there is no run of ${name} under ${parent} to resume; start one without \`--resume\`, or name its folder with \`--out\``,
  );
}

export async function writeRunConfig(folder: RunFolder, config: ResolvedConfig): Promise<void> {
  await attempt(folder.path, () => writeFileAtomically(folder.config, printConfig(config)));
}

/** The resolved configuration as text, as the run last used it. */
export async function readRunConfig(folder: RunFolder): Promise<string> {
  try {
    return String(await readPlainFile(folder.config));
  } catch {
    throw new UserError(`${folder.path} holds no run to resume: ${folder.config} is missing or unreadable`);
  }
}

/** What a session reports (`Session.kernels`), kept before the first step: a measurement may turn out otherwise next time. */
export async function writeRunKernels(folder: RunFolder, kernels: Readonly<Record<string, string>>): Promise<void> {
  await attempt(folder.path, () => writeFileAtomically(folder.kernels, JSON.stringify(kernels, null, 2) + "\n"));
}

/** Undefined where the run was stopped before it had chosen. @throws UserError where its choice cannot be read. */
export async function readRunKernels(folder: RunFolder): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const kernels: unknown = JSON.parse(String(await readPlainFile(folder.kernels)));
    if (isRecordOfNames(kernels)) return kernels;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
  }
  throw new UserError(
    `${folder.kernels} is damaged or unreadable, so the kernels that the run began with are not known; remove it to begin the ` +
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
        `process ${pid} on ${host} has taken over ${folder.path}, since this one had not been heard from for long; ` +
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

/** The folders under `parent` that hold a run, in the order of their names. */
export async function runFoldersIn(parent: string): Promise<RunFolder[]> {
  const folders = (await contentsOf(parent)).toSorted().map((name) => runFolderAt(join(parent, name)));
  const hold = await Promise.all(folders.map(holdsRun));
  return folders.filter((_, index) => hold[index]);
}

/** A folder that a run has begun in has its configuration; an event log tells it from any folder with a `config.yaml`. */
export async function holdsRun(folder: RunFolder): Promise<boolean> {
  const names = await readdir(folder.path).catch((): string[] => []);
  return [folder.config, folder.events].every((file) => names.includes(basename(file)));
}

function lockOf(folder: RunFolder): string {
  return join(folder.path, ".lock");
}

const LONGEST_NAME = 50; // characters, of up to four bytes: file systems take 255 bytes, and a date comes behind it

/** What a shell and every file system take as a name; of a long one the beginning, and a digest that tells it from its like. */
function fileNameOf(name: string): string {
  const characters = [...(name.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[.-]+/, "") || "run")];
  if (characters.length <= LONGEST_NAME) return characters.join("");
  return `${characters.slice(0, LONGEST_NAME).join("")}-${sha256Of(name).slice(0, 8)}`;
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
    throw new UserError(`${path} cannot be used as a folder: ${(error as Error).message}`);
  }
}

/** With those above it. Node's own way to that says ENOENT of a disk that is read-only. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path);
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
