// The tables of offsets against the definition of a convolution, over any kernel, stride and padding.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type {
  ConvolutionSizes,
  DirectPlan,
  PixelMap,
} from "../../../../src/compiler/lower/convolutions/convolution-plan.js";
import {
  forwardPixels,
  imagesAtOnce,
  inputGradientClasses,
  planDirect,
  partialsFor,
  suitsWinograd,
  tilesAtOnce,
} from "../../../../src/compiler/lower/convolutions/convolution-plan.js";

const RUNS = { numRuns: 60, seed: 1 };

describe("the forward pass", () => {
  it("writes every output pixel once, and reads by each tap the pixel that the definition names", () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const map = forwardPixels(size);
        const written = Array.from({ length: map.pixels }, (_, pixel) => map.outputPixel(pixel));
        expect(written.sort((a, b) => a - b)).toEqual([...Array(size.outHeight * size.outWidth).keys()]);
        expect(joined(map, (tap) => tap)).toEqual(definition(size));
      }),
      RUNS,
    );
  });
});

describe("the input gradient", () => {
  it("covers every input pixel by exactly one residue class", () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const written = inputGradientClasses(size).flatMap(({ map }) =>
          Array.from({ length: map.pixels }, (_, pixel) => map.outputPixel(pixel)),
        );
        expect(written.sort((a, b) => a - b)).toEqual([...Array(size.height * size.width).keys()]);
      }),
      RUNS,
    );
  });

  it("joins the same pixels by the same taps as the forward pass, the other way round", () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const pairs = inputGradientClasses(size).flatMap(({ map, filterTaps }) =>
          joined(map, (tap) => filterTaps[tap]!).map(([input, output, tap]) => [output, input, tap] as Joint),
        );
        expect(pairs.sort(byNumbers)).toEqual(definition(size));
      }),
      RUNS,
    );
  });
});

describe("planDirect", () => {
  it("writes every pixel of every image once, and reads what belongs to it", () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 18 }), (size, images) => {
        for (const map of [forwardPixels(size), ...inputGradientClasses(size).map((one) => one.map)]) {
          const expected = Array.from({ length: images }, (_, image) =>
            Array.from({ length: map.pixels }, (_, pixel) => {
              const reads = map
                .inputPixels(pixel)
                .map((from) => (from < 0 ? -1 : addressOf(map, "input", image, from)));
              return [addressOf(map, "output", image, map.outputPixel(pixel)), ...reads];
            }),
          ).flat();
          const planned = planDirect(map, images).flatMap((plan) => [...products(plan, map)]);
          expect(planned.sort(byNumbers)).toEqual(expected.sort(byNumbers));
        }
      }),
      RUNS,
    );
  });

  it("calls only equal tables by the same key", () => {
    const tables = new Map<string, string>();
    const narrow = fc.record({ size: sizes, outLanes: fc.constantFrom(8, 16), images: fc.integer({ min: 1, max: 6 }) });
    const check = ({ size, outLanes, images }: { size: ConvolutionSizes; outLanes: number; images: number }): void => {
      const changed = { ...size, outLanes };
      for (const map of [forwardPixels(changed), ...inputGradientClasses(changed).map((one) => one.map)]) {
        for (const plan of planDirect(map, images)) {
          const offsets = plan.offsets().join();
          expect(tables.get(plan.key) ?? offsets).toBe(offsets);
          tables.set(plan.key, offsets);
        }
      }
    };
    fc.assert(fc.property(narrow, check), RUNS);
    // Neighbours of one geometry, where keys would meet if one of its parts were left out
    const base = { size: square(5, 3, 2, 1), outLanes: 8, images: 3 };
    const { size } = base;
    const parts: Partial<ConvolutionSizes>[] = [
      { width: 6 },
      { height: 6 },
      { inLanes: 16 },
      { kernel: [3, 2] },
      { kernel: [2, 3] },
      { stride: [2, 1], outWidth: 5 },
      { stride: [1, 2], outHeight: 5 },
      { padding: { top: 0, bottom: 2, left: 1, right: 1 } },
      { padding: { top: 1, bottom: 1, left: 0, right: 2 } },
    ];
    for (const part of parts) check({ ...base, size: { ...size, ...part } });
    for (const images of [1, 2, 4, 5]) check({ ...base, images });
    check(base);
  });

  it("leaves no image to a second call where the batch is whole groups", () => {
    const map = forwardPixels(square(5, 3, 1, 1));
    expect(planDirect(map, 8).map(({ groups, imagesInGroup }) => [groups, imagesInGroup])).toEqual([[2, 4]]);
    expect(
      planDirect(map, 6).map(({ groups, imagesInGroup, firstImage }) => [groups, imagesInGroup, firstImage]),
    ).toEqual([
      [1, 4, 0],
      [1, 2, 4],
    ]);
    expect(planDirect(map, 3).map(({ groups, imagesInGroup }) => [groups, imagesInGroup])).toEqual([[1, 3]]);
  });
});

describe("the choice of an algorithm", () => {
  it("is Winograd's for 3×3 convolutions of stride 1 and padding 1 alone", () => {
    expect(suitsWinograd(square(8, 3, 1, 1))).toBe(true);
    expect(suitsWinograd(square(8, 3, 2, 1))).toBe(false);
    expect(suitsWinograd(square(8, 3, 1, 0))).toBe(false);
    expect(suitsWinograd(square(8, 5, 1, 2))).toBe(false);
    const images = { ...square(8, 3, 1, 1), inLanes: 4 };
    expect(suitsWinograd(images)).toBe(true); // forward, where transforms go by four channels
  });

  it("cuts work into whole groups of tiles, and sums into a bounded number of parts whatever the sizes", () => {
    fc.assert(
      fc.property(lanes, lanes, fc.integer({ min: 1, max: 1e6 }), (depth, columns, parts) => {
        const tiles = tilesAtOnce(parts, 36 * (depth + columns) * 4);
        expect(tiles % 4).toBe(0);
        expect(tiles).toBeGreaterThanOrEqual(16);
        expect(tiles).toBeLessThanOrEqual(128);
        const partialCount = partialsFor(depth * columns * 36, parts);
        expect(partialCount).toBeGreaterThanOrEqual(1);
        expect(partialCount).toBeLessThanOrEqual(Math.min(16, parts));
        const size = { ...square(9, 3, 2, 1), inLanes: depth, outLanes: columns, images: parts };
        const atOnce = imagesAtOnce(size, partialCount);
        expect(atOnce).toBeGreaterThanOrEqual(1);
        expect(atOnce).toBeLessThanOrEqual(Math.ceil(parts / partialCount));
      }),
      RUNS,
    );
  });
});

/** From pixel, to pixel, tap. */
type Joint = [from: number, to: number, tap: number];

/** What is joined by the definition: output (row, column) and tap (r, s) meet input (row·stride + r − padding, …). */
function definition({ height, width, outHeight, outWidth, kernel, stride, padding }: ConvolutionSizes): Joint[] {
  const joints: Joint[] = [];
  for (let row = 0; row < outHeight; row++) {
    for (let column = 0; column < outWidth; column++) {
      for (let r = 0; r < kernel[0]; r++) {
        for (let s = 0; s < kernel[1]; s++) {
          const y = row * stride[0] + r - padding.top;
          const x = column * stride[1] + s - padding.left;
          if (y < 0 || y >= height || x < 0 || x >= width) continue;
          joints.push([y * width + x, row * outWidth + column, r * kernel[1] + s]);
        }
      }
    }
  }
  return joints.sort(byNumbers);
}

function joined(map: PixelMap, filterTap: (tap: number) => number): Joint[] {
  const joints = Array.from({ length: map.pixels }, (_, pixel) =>
    map.inputPixels(pixel).flatMap((from, tap): Joint[] => {
      return from < 0 ? [] : [[from, map.outputPixel(pixel), filterTap(tap)]];
    }),
  );
  return joints.flat().sort(byNumbers);
}

function addressOf(map: PixelMap, side: "input" | "output", image: number, pixel: number): number {
  if (side === "input") return image * map.inputImageBytes + pixel * map.inputLanes * 4;
  return image * map.outputImageBytes + pixel * map.outputLanes * 4;
}

/** What a call computes: for each pixel the address that it writes, then the address that each tap reads (−1: padding). */
function* products(plan: DirectPlan, map: PixelMap): Generator<number[]> {
  const tileLength = 4 * (1 + map.taps);
  const offsets = plan.offsets();
  expect(offsets).toHaveLength(plan.tiles * tileLength);
  expect(plan.offsetCount).toBe(offsets.length);
  for (let group = 0; group < plan.groups; group++) {
    const first = plan.firstImage + group * plan.imagesInGroup;
    const input = first * map.inputImageBytes;
    const output = first * map.outputImageBytes;
    for (let tile = 0; tile < plan.tiles; tile++) {
      for (let lane = 0; lane < 4; lane++) {
        const at = tile * tileLength + lane;
        const reads = Array.from({ length: map.taps }, (_, tap) => offsets[at + 4 * (tap + 1)]!);
        if (offsets[at] === -1) expect(reads.every((read) => read === -1)).toBe(true);
        else yield [output + offsets[at]!, ...reads.map((read) => (read === -1 ? -1 : input + read))];
      }
    }
  }
}

function byNumbers(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at < 0 ? 0 : one[at]! - other[at]!;
}

function square(size: number, kernel: number, stride: number, padding: number): ConvolutionSizes {
  return sized([size, size], [kernel, kernel], [stride, stride], [padding, padding, padding, padding])!;
}

function sized(
  [height, width]: readonly [number, number],
  kernel: readonly [number, number],
  stride: readonly [number, number],
  [top, bottom, left, right]: readonly [number, number, number, number],
): ConvolutionSizes | null {
  const outHeight = Math.floor((height + top + bottom - kernel[0]) / stride[0]) + 1;
  const outWidth = Math.floor((width + left + right - kernel[1]) / stride[1]) + 1;
  if (outHeight < 1 || outWidth < 1) return null;
  const padding = { top, bottom, left, right };
  return { images: 2, height, width, inLanes: 8, outHeight, outWidth, outLanes: 16, kernel, stride, padding };
}

const upTo = (max: number, min = 1) => fc.integer({ min, max });
const lanes = fc.integer({ min: 1, max: 64 }).map((eights) => eights * 8);
const sizes: fc.Arbitrary<ConvolutionSizes> = fc
  .tuple(
    fc.tuple(upTo(10), upTo(10)),
    fc.tuple(upTo(7), upTo(7)),
    fc.tuple(upTo(4), upTo(4)),
    fc.tuple(upTo(3, 0), upTo(3, 0), upTo(3, 0), upTo(3, 0)),
  )
  .map((drawn) => sized(...drawn))
  .filter((size) => size !== null);
