// Reads the official binary files, from a folder or straight from the tar.gz, into images with their channels
// interleaved, which is the order that every later stage works in.
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { NotAPlainFile, kindOf, openPlainFile } from "../../files/read-plain-file.js";
import { UserError } from "../../process/user-error.js";
import type { Dataset, ImageSet } from "../dataset.js";
import { CHANNELS, CIFAR10, CLASSES, IMAGE_BYTES, PIXELS, RECORD_BYTES, SIDE } from "./facts.js";
import type { CifarSource } from "./facts.js";

export interface ReadOptions {
  /** Whether files of a folder must have their official md5, which takes half a second for all of them. */
  readonly isChecked?: boolean;
}

/**
 * `path` is a `cifar-10-batches-bin` folder, a folder that holds one, or `cifar-10-binary.tar.gz`. Throws a UserError that
 * names the file at fault.
 */
export async function readCifar10(
  path: string,
  source: CifarSource = CIFAR10,
  { isChecked = false }: ReadOptions = {},
): Promise<Dataset> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`CIFAR-10 cannot be read at ${path} (${error.code}); ${EXPECTED}`);
  });
  const sets = emptySets(source);
  if (found.isDirectory()) await readFolder(await batchesFolder(path, source), sets, source, isChecked);
  else if (!found.isFile()) throw new UserError(`${path} is ${kindOf(found)}; ${EXPECTED}`);
  else await readArchive(path, sets, source);
  return { classes: CLASSES, ...sets };
}

const EXPECTED =
  "data.path takes the official cifar-10-batches-bin folder or cifar-10-binary.tar.gz, or null to fetch a copy";

interface Sets {
  readonly train: ImageSet;
  readonly test: ImageSet;
}

function emptySets({ parts, imagesPerPart }: CifarSource): Sets {
  return { train: emptySet((parts.length - 1) * imagesPerPart), test: emptySet(imagesPerPart) };
}

function emptySet(count: number): ImageSet {
  const [images, labels] = [new Uint8Array(count * IMAGE_BYTES), new Uint8Array(count)];
  return { count, height: SIDE, width: SIDE, channels: CHANNELS, images, labels };
}

async function batchesFolder(path: string, source: CifarSource): Promise<string> {
  for (const folder of [path, join(path, "cifar-10-batches-bin")]) {
    if (await exists(join(folder, source.parts[0]!.file))) return folder;
  }
  const python = (await exists(join(path, "data_batch_1"))) || (await exists(join(path, "cifar-10-batches-py")));
  const reason = python ? "holds the Python version of CIFAR-10" : `has no ${source.parts[0]!.file}`;
  throw new UserError(`${path} ${reason}; ${EXPECTED}`);
}

/** Read at once: enough to keep a disk busy, little beside the images. */
const PIECE_RECORDS = 1000;

async function readFolder(folder: string, sets: Sets, source: CifarSource, isChecked: boolean): Promise<void> {
  // Two buffers: one fills while the other is put in place.
  const buffers = [0, 1].map(() => new Uint8Array(PIECE_RECORDS * RECORD_BYTES)) as [Uint8Array, Uint8Array];
  for (const [part, { file, md5 }] of source.parts.entries()) {
    await readPart(join(folder, file), part, buffers, sets, source, isChecked ? md5 : undefined);
  }
}

async function readPart(
  path: string,
  part: number,
  buffers: readonly [Uint8Array, Uint8Array],
  sets: Sets,
  source: CifarSource,
  md5: string | undefined,
): Promise<void> {
  const expected = source.imagesPerPart * RECORD_BYTES;
  const handle = await openPlainFile(path).catch((error: NodeJS.ErrnoException) => {
    const reason = error instanceof NotAPlainFile ? error.message : `cannot be read (${error.code})`;
    throw new UserError(`${path} ${reason}; ${EXPECTED}`);
  });
  try {
    const { size } = await handle.stat();
    if (size !== expected) throw wrongSize(path, size, expected);
    const pieces = Math.ceil(source.imagesPerPart / PIECE_RECORDS);
    const read = async (piece: number): Promise<Uint8Array> => {
      const first = piece * PIECE_RECORDS * RECORD_BYTES;
      const into = buffers[(piece % 2) as 0 | 1].subarray(0, expected - first);
      const { bytesRead } = await handle.read(into, 0, into.length, first);
      if (bytesRead !== into.length) throw wrongSize(path, first + bytesRead, expected);
      return into;
    };
    const hash = md5 === undefined ? undefined : createHash("md5");
    let reading = read(0);
    for (let piece = 0; piece < pieces; piece++) {
      const records = await reading;
      if (piece + 1 < pieces) reading = read(piece + 1);
      reading.catch(() => undefined); // awaited above in its turn; a fault in `place` must not leave it unheard
      hash?.update(records);
      place(records, { part, first: piece * PIECE_RECORDS }, sets, path, source);
    }
    const found = hash?.digest("hex");
    if (found !== md5) throw new UserError(`${path} has md5 ${found}, expected ${md5}; ${EXPECTED}`);
  } finally {
    await handle.close();
  }
}

async function readArchive(path: string, sets: Sets, source: CifarSource): Promise<void> {
  const bytes = source.imagesPerPart * RECORD_BYTES;
  const missing = new Set(source.parts.map((part) => part.file));
  const { list } = await import("tar");
  let fault: unknown;
  try {
    await list({
      file: path,
      strict: true,
      onReadEntry: (entry) => {
        const file = basename(entry.path);
        if (!missing.delete(file)) return;
        const chunks: Buffer[] = [];
        entry.on("data", (chunk) => chunks.push(chunk));
        entry.on("end", () => {
          try {
            if (entry.size !== bytes) throw wrongSize(`${file} in ${path}`, entry.size, bytes);
            const index = source.parts.findIndex((part) => part.file === file);
            place(Buffer.concat(chunks), { part: index, first: 0 }, sets, `${file} in ${path}`, source);
          } catch (error) {
            fault ??= error;
          }
        });
      },
    });
  } catch (error) {
    throw new UserError(`${path} is not a complete tar.gz (${(error as Error).message}); ${EXPECTED}`);
  }
  if (fault !== undefined) throw fault;
  if (missing.size > 0) throw new UserError(`${path} has no ${[...missing].join(", ")}; ${EXPECTED}`);
}

/** Puts records, from the `first` of their part on, at their place among the images. */
function place(
  records: Uint8Array,
  { part, first }: { readonly part: number; readonly first: number },
  sets: Sets,
  name: string,
  source: CifarSource,
): void {
  const isTest = part === source.parts.length - 1;
  const at = (isTest ? 0 : part * source.imagesPerPart) + first;
  const highest = interleave(records, isTest ? sets.test : sets.train, at, records.length / RECORD_BYTES);
  if (highest < CLASSES.length) return;
  throw new UserError(`${name} holds the label ${highest}, so it is not CIFAR-10; ${EXPECTED}`);
}

/**
 * Records with one channel after the other → images [count, height, width, channels]; returns the highest label.
 * Whole words are written, four pixels in three, in two thirds of the time of single bytes. Words are little-endian here
 * as they are on the engine's WebAssembly heap.
 */
function interleave(records: Uint8Array, { images, labels }: ImageSet, first: number, count: number): number {
  const words = new Uint32Array(images.buffer, images.byteOffset, images.length / 4);
  let to = (first * IMAGE_BYTES) / 4;
  let highest = 0;
  for (let image = 0; image < count; image++) {
    const red = image * RECORD_BYTES + 1;
    const label = records[red - 1]!;
    labels[first + image] = label;
    highest = Math.max(highest, label);
    for (let r = red, g = red + PIXELS, b = red + 2 * PIXELS; r < red + PIXELS; r += 4, g += 4, b += 4, to += 3) {
      words[to] = records[r]! | (records[g]! << 8) | (records[b]! << 16) | (records[r + 1]! << 24);
      words[to + 1] = records[g + 1]! | (records[b + 1]! << 8) | (records[r + 2]! << 16) | (records[g + 2]! << 24);
      words[to + 2] = records[b + 2]! | (records[r + 3]! << 8) | (records[g + 3]! << 16) | (records[b + 3]! << 24);
    }
  }
  return highest;
}

function wrongSize(name: string, found: number, expected: number): UserError {
  return new UserError(`${name} has ${found} bytes, expected ${expected}; ${EXPECTED}`);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
