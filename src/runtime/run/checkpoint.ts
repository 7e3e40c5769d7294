// Progress and state ↔ a folder per checkpoint, `step-00001234/`: weights and optimizer slots as safetensors, and a manifest
// with a checksum per file and one of its own, written last. A checkpoint appears under its name in full or not at all.
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Program } from "../../compiler/program.js";
import type { State } from "../engines/engine.js";
import { sha256Of, slices } from "../files/digest.js";
import { ifThere, isMissing, unreadable } from "../files/if-there.js";
import { NotAPlainFile, openPlainFile } from "../files/read-plain-file.js";
import { publishFolder, renameInTime, temporaryName } from "../files/write-file-atomically.js";
import type { Tensor } from "../files/safetensors.js";
import { decodeSafetensors, encodeSafetensors } from "../files/safetensors.js";
import type { Progress } from "../training/training-progress.js";
import { epochIsComplete, evaluationIsAwaited } from "../training/training-progress.js";
import { UserError } from "../process/user-error.js";
import type { FileName } from "./manifest.js";
import { decodeManifest, encodeManifest, FILES } from "./manifest.js";
import type { Shapes } from "./state-shapes.js";
import { stateShapes } from "./state-shapes.js";

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
  if (!("reason" in (await readCheckpoint(folder, program)))) return folder;
  const temporary = temporaryName(folder);
  try {
    await mkdir(temporary);
    const [weights, others] = split(program, state);
    const files = {
      "weights.safetensors": await writePieces(join(temporary, "weights.safetensors"), encodeSafetensors(weights)),
      "optimizer.safetensors": await writePieces(join(temporary, "optimizer.safetensors"), encodeSafetensors(others)),
    };
    await writePieces(join(temporary, MANIFEST), [Buffer.from(encodeManifest({ progress, kernels, files }))]);
    await rm(folder, { recursive: true, force: true });
    await publishFolder(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  return folder;
}

/**
 * The newest valid checkpoint under `parent` of a run of `program`, and the newer ones that were passed over because they are
 * broken. @throws UserError where one cannot be read although it is there, since it may be good, or is another version's.
 */
export async function readNewestCheckpoint(
  parent: string,
  program: Program,
): Promise<{ checkpoint: Checkpoint | undefined; broken: BrokenCheckpoint[] }> {
  const broken: BrokenCheckpoint[] = [];
  for (const name of (await namesIn(parent)).reverse()) {
    const read = await readCheckpoint(join(parent, name), program);
    if ("reason" in read) broken.push(read);
    else return { checkpoint: read, broken };
  }
  return { checkpoint: undefined, broken };
}

/**
 * The checkpoint in a folder of its own, or why it is none: everything that a run of `program` needs to go on must be there and
 * nothing else. @throws as `readNewestCheckpoint`
 */
export async function readCheckpoint(folder: string, program: Program): Promise<Checkpoint | BrokenCheckpoint> {
  const broken = (reason: string): BrokenCheckpoint => ({ folder, reason });
  const content = await readWhole(join(folder, MANIFEST));
  if (typeof content === "string") return broken(`${MANIFEST} ${content}`);
  const manifest = decodeManifest(content, folder, program);
  if (typeof manifest === "string") return broken(`${MANIFEST} ${manifest}`);
  const { progress, kernels, files } = manifest;
  if (stepIn(folder) !== progress.step) return broken(`${MANIFEST} is that of step ${progress.step}`);
  const { network, training } = stateShapes(program);
  const expected: Readonly<Record<FileName, Shapes>> = {
    "weights.safetensors": network,
    "optimizer.safetensors": training,
  };
  const state = new Map<string, Tensor>();
  for (const file of FILES) {
    const { bytes, sha256 } = files[file];
    const data = await readWhole(join(folder, file), bytes);
    if (typeof data === "string") return broken(`${file} ${data}`);
    if (sha256Of(data) !== sha256) return broken(`${file} does not match its checksum`);
    const tensors = tensorsIn(data, file, expected[file]);
    if (typeof tensors === "string") return broken(tensors);
    for (const [name, tensor] of tensors) state.set(name, tensor);
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

/** Oldest first. At one step, the state before its evaluation or the epoch's end ("-open") is older than the one after it. */
async function namesIn(parent: string): Promise<string[]> {
  const names = ((await ifThere(parent, readdir(parent))) ?? []).filter((name) => NAME.test(name));
  const rank = (name: string): number => stepIn(name) + (name.endsWith("-open") ? 0 : 0.5);
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

function stepIn(folder: string): number {
  return Number(/^step-(\d+)/.exec(basename(folder))?.[1]);
}

/** What a user loads elsewhere (weights and running statistics), apart from what only a resumed run needs. */
function split(program: Program, state: State): [weights: State, others: State] {
  const { network } = stateShapes(program);
  const entries = [...state];
  return [
    new Map(entries.filter(([name]) => network.has(name))),
    new Map(entries.filter(([name]) => !network.has(name))),
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

/** A manifest tells of every evaluation; even so many stay far below it. */
const LARGEST_MANIFEST = 256 * 1024 * 1024;

/**
 * What the file holds, or why it is damaged: it is not there, no file, or not so many bytes long. @throws UserError where the
 * system does not let it be read (a full table of files, a disk that fails), which says nothing about what it holds.
 */
async function readWhole(path: string, bytes?: number): Promise<Uint8Array | string> {
  let file: FileHandle | undefined;
  try {
    file = await openPlainFile(path);
    const { size } = await file.stat();
    const content = size <= (bytes ?? LARGEST_MANIFEST) ? await file.readFile() : undefined;
    const length = content?.length ?? size;
    if (bytes !== undefined && length !== bytes) return `is ${length} bytes long, expected ${bytes}`;
    return content ?? "is damaged";
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === "EISDIR") return "is missing";
    if (error instanceof NotAPlainFile) return error.message;
    throw unreadable(path, error);
  } finally {
    await file?.close();
  }
}

/** Those that the file must hold, or one clause that says what is wrong with it. */
function tensorsIn(bytes: Uint8Array, file: string, expected: Shapes): ReadonlyMap<string, Tensor> | string {
  let tensors: ReadonlyMap<string, Tensor>;
  try {
    tensors = decodeSafetensors(bytes, file);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  for (const [name, shape] of expected) {
    const found = tensors.get(name)?.shape;
    if (!found) return `${file} lacks ${name}`;
    if (found.join() !== shape.join())
      return `${file}: ${name} is [${found.join(", ")}], expected [${shape.join(", ")}]`;
  }
  if (tensors.size === expected.size) return tensors;
  const stray = [...tensors.keys()].find((name) => !expected.has(name))!;
  return `${file} holds ${JSON.stringify(stray.slice(0, 100))}, which this network does not have`;
}
