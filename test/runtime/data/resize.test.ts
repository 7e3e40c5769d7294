// Against Pillow's own output: test/oracle/pillow/make-fixtures.py.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createResize } from "../../../src/runtime/data/resize.js";
import type { ImageSize, Interpolation } from "../../../src/runtime/data/resize.js";

type Pair = [height: number, width: number];

interface Fixture {
  readonly cifar: { readonly to: Pair; readonly md5: string[] }[];
  readonly noise: {
    readonly from: Pair;
    readonly to: Pair;
    readonly channels: number;
    readonly md5: string;
  }[];
  readonly first_to_40x40: number[];
}

const oracle = new URL("../../oracle/pillow/", import.meta.url);
const fixture = JSON.parse(readFileSync(new URL("resize.json", oracle), "utf8")) as Fixture;
const bicubic = JSON.parse(readFileSync(new URL("bicubic.json", oracle), "utf8")) as { resize: Fixture["noise"] };
const images = new Uint8Array(readFileSync(new URL("images.bin", oracle)));
const imageBytes = 32 * 32 * 3;

describe("createResize", () => {
  it("gives Pillow's bytes for a real image enlarged to 40×40", () => {
    expect([...resized(images, 0, [32, 32], [40, 40], 3)]).toEqual(fixture.first_to_40x40);
  });

  it.each(fixture.cifar)("gives Pillow's bytes for 16 real images resized to $to", ({ to, md5 }) => {
    expect(md5.map((_, index) => md5Of(resized(images, index * imageBytes, [32, 32], to, 3)))).toEqual(md5);
  });

  it.each(fixture.noise)("gives Pillow's bytes for noise of $channels channels, $from to $to", (example) => {
    const { from, to, channels, md5 } = example;
    expect(md5Of(resized(noise(from, channels), 0, from, to, channels))).toBe(md5);
  });

  it.each(bicubic.resize)("gives Pillow's bicubic for noise of $channels channels, $from to $to", (example) => {
    const { from, to, channels, md5 } = example;
    expect(md5Of(resized(noise(from, channels), 0, from, to, channels, "bicubic"))).toBe(md5);
  });

  it("touches nothing outside its place in the target", () => {
    const resize = createResize({ height: 32, width: 32 }, { height: 5, width: 6 }, 3);
    const target = new Uint8Array(7 + 5 * 6 * 3 + 9).fill(201);
    resize(images, 0, target, 7);
    expect([...target.subarray(0, 7), ...target.subarray(7 + 90)]).toEqual(Array.from({ length: 16 }, () => 201));
    expect([...target.subarray(7, 97)]).toEqual([...resized(images, 0, [32, 32], [5, 6], 3)]);
  });
});

function resized(
  source: Uint8Array,
  offset: number,
  from: Pair,
  to: Pair,
  channels: number,
  interpolation?: Interpolation,
): Uint8Array {
  const target = new Uint8Array(to[0] * to[1] * channels);
  createResize(size(from), size(to), channels, interpolation)(source, offset, target, 0);
  return target;
}

function size([height, width]: Pair): ImageSize {
  return { height, width };
}

function noise([height, width]: Pair, channels: number): Uint8Array {
  let state = height * 65537 + width * 257 + channels;
  return Uint8Array.from({ length: height * width * channels }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

function md5Of(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}
