// Mutated files of weights, a sentence each: `npm run fuzz:weights -- SEED COUNT`. Files begin as PyTorch and safetensors wrote them;
// bytes are flipped, cut out, doubled, exchanged between files, and numbers replaced by the largest and the smallest.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { sourceOf, UnreadableWeights } from "../../../src/runtime/weights/formats/byte-source.js";
import { readWeights } from "../../../src/runtime/weights/open-weights.js";
import { elementsIn } from "../../../src/runtime/weights/formats/weights-file.js";

const folder = fileURLToPath(new URL("../../oracle/weights/", import.meta.url));
const originals = readdirSync(folder)
  .filter((name) => !name.endsWith(".json"))
  .map((name) => readFileSync(folder + name));

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const count = Number(process.env["FUZZ_WEIGHTS"] ?? 300);

/** Numbers from 0 to below 1, the same for a seed (Marsaglia's xorshift). */
function drawing(seed: number): () => number {
  let state = seed * 2654435761 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const NUMBERS = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** The places where formats say most: the beginning, the end, and where pickles and directories lie. */
function place(draw: () => number, length: number): number {
  const share = draw() < 0.5 ? draw() ** 4 : draw();
  return Math.floor((draw() < 0.7 ? share : 1 - share) * length);
}

const MUTATIONS: readonly ((bytes: Buffer, draw: () => number) => Buffer)[] = [
  (bytes, draw) => {
    bytes[place(draw, bytes.length)]! ^= 1 << Math.floor(draw() * 8);
    return bytes;
  },
  (bytes, draw) => {
    bytes[place(draw, bytes.length)] = Math.floor(draw() * 256);
    return bytes;
  },
  (bytes, draw) => bytes.subarray(0, place(draw, bytes.length)),
  (bytes, draw) => {
    const [from, length] = [place(draw, bytes.length), Math.ceil(draw() ** 3 * 200)];
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]);
  },
  (bytes, draw) => {
    const [from, length] = [place(draw, bytes.length), Math.ceil(draw() ** 3 * 2000)];
    return Buffer.concat([bytes.subarray(0, from + length), bytes.subarray(from)]);
  },
  (bytes, draw) => {
    if (bytes.length < 8) return bytes;
    const at = Math.min(place(draw, bytes.length), bytes.length - 8);
    bytes.writeUInt32LE(NUMBERS[Math.floor(draw() * NUMBERS.length)]!, at);
    if (draw() < 0.5) bytes.writeUInt32LE(NUMBERS[Math.floor(draw() * NUMBERS.length)]!, at + 4);
    return bytes;
  },
  (bytes, draw) => {
    const other = originals[Math.floor(draw() * originals.length)]!;
    const [from, to, length] = [place(draw, other.length), place(draw, bytes.length), Math.ceil(draw() * 300)];
    return Buffer.concat([bytes.subarray(0, to), other.subarray(from, from + length), bytes.subarray(to)]);
  },
];

function mutant(draw: () => number): Buffer {
  let bytes: Buffer = Buffer.from(originals[Math.floor(draw() * originals.length)]!);
  for (let rounds = 1 + Math.floor(draw() ** 2 * 6); rounds > 0; rounds--) {
    bytes = Buffer.from(MUTATIONS[Math.floor(draw() * MUTATIONS.length)]!(bytes, draw));
  }
  return bytes;
}

/** Reads every tensor that a network of the file's size could ask for. */
async function readAll(bytes: Buffer): Promise<"read" | string> {
  try {
    const { tensors } = await readWeights(sourceOf(bytes));
    for (const { shape, read } of tensors) if (elementsIn(shape) * 4 <= 4 * bytes.length) await read();
    return "read";
  } catch (error) {
    if (error instanceof UnreadableWeights) return error.message;
    throw error;
  }
}

it(`reads or refuses in a sentence each of ${count} mutants (seed ${seed})`, { timeout: 600_000 }, async () => {
  const outcomes = { read: 0, refused: 0 };
  for (let index = 0; index < count; index++) {
    const bytes = mutant(drawing(seed * 1_000_003 + index));
    const outcome = await readAll(bytes).catch((error: unknown) => {
      throw new Error(`mutant ${index} of seed ${seed}`, { cause: error });
    });
    if (outcome === "read") outcomes.read++;
    else {
      outcomes.refused++;
      expect(outcome).toMatch(/^(is|holds|has|was|became|goes) /);
    }
  }
  // Mutants that all fail at the first byte would try nothing
  expect(Math.min(outcomes.read, outcomes.refused)).toBeGreaterThan(count / 20);
});

describe("files that ask for more than they hold", () => {
  const MEBIBYTE = 2 ** 20;
  const repeated = (text: string, bytes: number) => Buffer.alloc(bytes, Buffer.from(text, "latin1"));
  const MAGIC = Buffer.from("8002 8a0a 6cfc9c46f9206aa85019 2e 8002 4de903 2e 8002 7d 2e".replaceAll(" ", ""), "hex");
  const stream = (body: Buffer) => Buffer.concat([MAGIC, Buffer.from([0x80, 2]), body]);
  const header = (json: string | Buffer, length: bigint) => {
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(length);
    return Buffer.concat([start, Buffer.from(json)]);
  };
  /** Twenty lists of two, each the one before it twice. */
  const laughs = Buffer.concat([
    Buffer.from("]q\u0000", "latin1"),
    ...Array.from({ length: 40 }, (_, level) => Buffer.from([0x68, level, 0x68, level, 0x86, 0x71, level + 1])),
    Buffer.from("."),
  ]);
  it.each([
    ["a stream of empty dicts", stream(repeated("}", 4 * MEBIBYTE))],
    ["a stream of dicts of one item", stream(repeated("}K\u0001K\u0001s", 4 * MEBIBYTE))],
    ["a stream of nulls", stream(repeated("N", 4 * MEBIBYTE))],
    ["a stream of marks", stream(repeated("(", 4 * MEBIBYTE))],
    ["a string of 4 GiB", stream(Buffer.from("58ffffffff41", "hex"))],
    ["a number of 4 GiB", stream(Buffer.from("8bffffffff41", "hex"))],
    ["bytes of 2 ** 63", stream(Buffer.from("8e00000000000000804142", "hex"))],
    ["lists within lists", stream(laughs)],
    ["a header of 100 MB in a small file", header("{}", 100_000_000n)],
    ["a header of brackets", header(repeated("[", 4 * MEBIBYTE), BigInt(4 * MEBIBYTE))],
    ["a header of short lists", header(`{"a":[${"[],".repeat(MEBIBYTE)}[]]}`, BigInt(4 * MEBIBYTE + 7))],
  ])("%s is refused without taking it", async (_, bytes) => {
    const before = process.memoryUsage();
    await expect(readWeights(sourceOf(bytes))).rejects.toBeInstanceOf(UnreadableWeights);
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const taken = heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers;
    expect(taken).toBeLessThan(2 * bytes.length + 40 * MEBIBYTE);
  });
});
