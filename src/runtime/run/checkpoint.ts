// Progress and state ↔ a folder per checkpoint, `step-00001234/`: weights and optimizer slots as safetensors, and a manifest
// with a checksum per file, written last. A checkpoint appears under its name in full or not at all.
import { createHash } from "node:crypto";
import { mkdir, open, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Program } from "../../compiler/program.js";
import { parametersOf, statisticsOf } from "../../compiler/network/parameters.js";
import type { State } from "../engines/engine.js";
import { sha256Of, slices } from "../files/digest.js";
import { publishFolder, renameInTime, temporaryName } from "../files/write-file-atomically.js";
import { decodeSafetensors, encodeSafetensors } from "../files/safetensors.js";
import type { Progress } from "../training/training-progress.js";
import { epochIsComplete, evaluationIsAwaited } from "../training/training-progress.js";
import { UserError } from "../process/user-error.js";
import { NotAPlainFile, readPlainFile } from "../files/read-plain-file.js";

export interface Checkpoint {
  readonly folder: string;
  readonly progress: Progress;
  readonly state: State;
  /** Kernels that the run's session had chosen by measurement: others would continue with other bits. */
  readonly kernels: Readonly<Record<string, string>>;
}

export interface BrokenCheckpoint {
  readonly folder: string;
  /** One clause: "weights.safetensors is 12 bytes long, expected 4096". */
  readonly reason: string;
}

interface Manifest {
  readonly format: typeof FORMAT;
  readonly progress: Progress;
  readonly kernels?: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

export const FORMAT = "netc-checkpoint-2";
const MANIFEST = "manifest.json";
const NAME = /^step-\d{8,}(-open)?$/;

/** Writes a checkpoint under `parent` and returns its folder; one that is already there is left as it is. */
export async function writeCheckpoint(
  parent: string,
  program: Program,
  progress: Progress,
  state: State,
  kernels: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = join(parent, nameOf(program, progress));
  // Not with the folders above it: a run folder that has vanished does not come back without what was in it
  await mkdir(parent).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return;
    if (error.code === "ENOENT") throw new Error(`${dirname(parent)} is no longer there`);
    throw error;
  });
  // The name stands for everything that is in it, so a valid one of the same name holds the same bits
  if (!(await faultOf(folder))) return folder;
  const temporary = temporaryName(folder);
  try {
    await mkdir(temporary);
    const files: Record<string, { bytes: number; sha256: string }> = {};
    for (const [file, tensors] of split(program, state)) {
      files[file] = await writePieces(join(temporary, file), encodeSafetensors(tensors));
    }
    const manifest: Manifest = { format: FORMAT, progress, kernels, files };
    await writePieces(join(temporary, MANIFEST), [Buffer.from(JSON.stringify(manifest, null, 2) + "\n")]);
    await rm(folder, { recursive: true, force: true });
    await publishFolder(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  return folder;
}

/**
 * The newest valid checkpoint under `parent`, and the newer ones that were passed over because they are broken. @throws where
 * one cannot be read although it is there: it may be good. @throws UserError where one is another version's.
 */
export async function readNewestCheckpoint(
  parent: string,
): Promise<{ checkpoint: Checkpoint | undefined; broken: BrokenCheckpoint[] }> {
  const broken: BrokenCheckpoint[] = [];
  for (const name of (await namesIn(parent)).reverse()) {
    const read = await readCheckpoint(join(parent, name));
    if ("reason" in read) broken.push(read);
    else return { checkpoint: read, broken };
  }
  return { checkpoint: undefined, broken };
}

/** The checkpoint in a folder of its own, or why it is none. */
export async function readCheckpoint(folder: string): Promise<Checkpoint | BrokenCheckpoint> {
  const fault = await faultOf(folder);
  if (fault) return { folder, reason: fault };
  const { progress, kernels = {}, files } = await readManifest(folder);
  const state = new Map();
  for (const file of Object.keys(files)) {
    const path = join(folder, file);
    for (const [tensor, value] of decodeSafetensors(await readPlainFile(path), path)) state.set(tensor, value);
  }
  return { folder, progress, state, kernels };
}

/**
 * Renames checkpoints that were passed over, so that none of them counts as one any more: they would be the newest, and the
 * whole ones would go first. What is left of them stays to be looked at.
 */
export async function setAside(broken: readonly BrokenCheckpoint[]): Promise<void> {
  for (const { folder } of broken) {
    const aside = asideOf(folder);
    await rm(aside, { recursive: true, force: true }); // an earlier one of the same step
    await renameInTime(folder, aside);
  }
}

/** Where a broken checkpoint is set aside: `broken-step-00001234/` beside the others. */
export function asideOf(folder: string): string {
  return join(dirname(folder), `broken-${basename(folder)}`);
}

/**
 * Removes all but `newest`, which was just written, the checkpoints before it up to `keep` in all, and those of the steps
 * `best`, where an evaluation was done. One that seems to be newer is none of this run, and not counted.
 */
export async function pruneCheckpoints(
  parent: string,
  keep: number,
  newest: string,
  best: readonly number[] = [],
): Promise<void> {
  const all = await namesIn(parent);
  const names = all.slice(0, all.indexOf(basename(newest)) + 1);
  const spared = new Set(best.map(nameOfStep));
  for (const name of names.slice(0, Math.max(0, names.length - keep))) {
    if (spared.has(name)) continue;
    // Renamed first, so that a kill while it is being removed does not leave half a checkpoint under a good name
    const doomed = temporaryName(join(parent, name));
    await renameInTime(join(parent, name), doomed);
    await rm(doomed, { recursive: true, force: true });
  }
}

/** Whether a folder is named as checkpoints are, and lies where a run keeps them. */
export function isCheckpointPath(path: string): boolean {
  return NAME.test(basename(path)) && basename(dirname(path)) === "checkpoints";
}

/** Removes what a writer that was killed left behind; only while no other process writes here. */
export async function sweepCheckpoints(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    if (name.startsWith(".step-")) await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** Oldest first. At one step, the state before its evaluation or the epoch's end ("-open") is older than the one after it. */
async function namesIn(parent: string): Promise<string[]> {
  const names = (await readdir(parent).catch(() => [])).filter((name) => NAME.test(name));
  const rank = (name: string): number => Number(/\d+/.exec(name)![0]) + (name.endsWith("-open") ? 0 : 0.5);
  return names.sort((one, other) => rank(one) - rank(other));
}

function nameOf({ plan }: Program, progress: Progress): string {
  const awaitsEvaluation = epochIsComplete(progress, plan) || evaluationIsAwaited(progress, plan);
  return `${nameOfStep(progress.step)}${awaitsEvaluation ? "-open" : ""}`;
}

/** Of the checkpoint that is written once a step is done, its evaluation included. */
export function nameOfStep(step: number): string {
  return `step-${String(step).padStart(8, "0")}`;
}

/** What a user loads elsewhere (weights and running statistics), apart from what only a resumed run needs. */
function split({ graph }: Program, state: State): [file: string, tensors: State][] {
  const own = new Set([...parametersOf(graph), ...statisticsOf(graph)].map(({ name }) => name));
  const entries = [...state];
  return [
    ["weights.safetensors", new Map(entries.filter(([name]) => own.has(name)))],
    ["optimizer.safetensors", new Map(entries.filter(([name]) => !own.has(name)))],
  ];
}

/** Writes and hashes piece by piece, with a turn of the event loop between, so that training is not held up. */
async function writePieces(path: string, pieces: readonly Uint8Array[]): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  const file = await open(path, "wx");
  let bytes = 0;
  try {
    for (const piece of pieces.flatMap(slices)) {
      hash.update(piece);
      bytes += piece.length;
      await file.writeFile(piece);
      await nextTurn();
    }
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Why the folder is no whole checkpoint; undefined where it is one. @throws as `readNewestCheckpoint` */
async function faultOf(folder: string): Promise<string | undefined> {
  let manifest: Manifest;
  try {
    manifest = await readManifest(folder);
  } catch (error) {
    return damageOf(MANIFEST, error);
  }
  if (manifest.format !== FORMAT) {
    throw new UserError(
      `${folder} was saved by another version of netc: its format is ${manifest.format}, and this one reads ${FORMAT}`,
    );
  }
  for (const [file, { bytes, sha256 }] of Object.entries(manifest.files)) {
    let content: Buffer;
    try {
      content = await readPlainFile(join(folder, file));
    } catch (error) {
      return damageOf(file, error);
    }
    if (content.length !== bytes) return `${file} is ${content.length} bytes long, expected ${bytes}`;
    if (sha256Of(content) !== sha256) return `${file} does not match its checksum`;
  }
  return undefined;
}

/**
 * What is not there or not what it should be is damage; what the system does not let us read (a full table of files, a disk
 * that fails) is not.
 */
function damageOf(file: string, error: unknown): string {
  if (error instanceof SyntaxError) return `${file} is damaged`;
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return `${file} is missing`;
  if (error instanceof NotAPlainFile) return `${file} ${error.message}`;
  throw error;
}

async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(String(await readPlainFile(join(folder, MANIFEST)))) as Manifest;
}
