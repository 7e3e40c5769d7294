// Passes of convolutions over random sizes, cut into units as machine code cuts them, beside float64: filters packed, units run in
// any order, gradients added, maps stored as float32 or bfloat16, all between red zones. `CODE_SHAPES` says how many sizes,
// `FUZZ_SEED` which.
import { describe, expect, it } from "vitest";
import type { Code, CodeWork } from "../../../src/compiler/code/works.js";
import { CODE_METHODS, emit } from "../../../src/compiler/code/works.js";
import type { ConvolutionSizes } from "../../../src/compiler/lower/convolutions/convolution-plan.js";
import { executable, hasBfloat16, noise, sets } from "../../engines/wasm/code/code-memory.js";
import type { Dtype } from "../../../src/compiler/lower/placement/layout.js";
import {
  convolve,
  farthest,
  filterGradient,
  halved,
  inputGradient,
  outputSides,
  rounded,
  transposed,
  typical,
  unhalved,
} from "./reference.js";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const shapes = Number(process.env["CODE_SHAPES"] ?? 12);
const cases = Array.from({ length: shapes }, (_, index) => seed + index);

describe.each(sets)("machine code with %s", (set) => {
  for (const [name, passes] of Object.entries(CODE_METHODS)) {
    if (name === "bfloat16" && !hasBfloat16) continue;
    it.each(cases)(`computes all passes by ${name} over random sizes of seed %d`, (from) => {
      const { one, sizes } = randomSizes(from, name);
      const { input: before, output: behind } = sizes.dtypes!;
      const { images, height, width, depth, columns, size } = one;
      const [outHeight, outWidth] = outputSides(one);
      const [inCount, outCount] = [images * height * width * depth, images * outHeight * outWidth * columns];
      // What the kernel would round is rounded already
      const map = (count: number, at: number, dtype: Dtype): Float32Array =>
        noise(count, at).map((value) => (dtype === "bfloat16" || name === "bfloat16" ? rounded(value) : value));
      const [input, gradient] = [map(inCount, from, before), map(outCount, from + 1, behind)];
      const [filter, bias, there] = [
        map((size ** 2 * depth * columns) / (one.groups ?? 1), from + 2, "float32"),
        noise(columns, from + 3),
        map(inCount, from + 4, before),
      ];
      // Images have a lane of zeros, which no channel is
      const lane = depth === 4 ? 3 : depth;
      if (depth === 4) input.forEach((_, i) => (i % 4 === 3 ? (input[i] = 0) : 0));
      /** On average as float32 rounds sums of so many products of noise; the farthest of tens of thousands lies six times as far. */
      const expectNear = (found: Float32Array, wanted: Float64Array, count: number, dtype: Dtype = "float32"): void => {
        const average = (name === "winograd" ? 1e-6 : 5e-7) * Math.sqrt(count) + 1e-7;
        if (dtype === "bfloat16") {
          // What is as near as that to the sum is rounded to one of these, or between them
          const wrong = found.findIndex((value, i) => {
            const [least, most] = [rounded(wanted[i]! - 6 * average), rounded(wanted[i]! + 6 * average)];
            return !(least <= value && value <= most);
          });
          expect(wrong, JSON.stringify(sizes)).toBe(-1);
          return;
        }
        expect(typical(found, wanted), JSON.stringify(one)).toBeLessThan(average);
        expect(farthest(found, wanted), JSON.stringify(one)).toBeLessThan(6 * average);
      };

      const forward = passes.forward!(set, sizes);
      if (name === "direct" || name === "groups") expect(forward).toBeDefined();
      if (forward) {
        for (const hasBias of [false, true]) {
          const { output } = run(
            forward,
            { input, output: new Float32Array(outCount).fill(NaN), weights: filter, bias },
            { hasBias, dtypes: sizes.dtypes },
          );
          const wanted = convolve(one, input, filter).map((value, i) => value + (hasBias ? bias[i % columns]! : 0));
          expectNear(output!, wanted, size ** 2 * depth, behind);
        }
      }
      const back = depth % 8 === 0 ? passes["input gradient"]?.(set, sizes) : undefined;
      if (back) {
        for (const adds of [false, true]) {
          const flags = { adds, dtypes: sizes.dtypes };
          const weights = one.groups ? transposed(one, filter) : filter;
          const { input: found } = run(back, { input: there, output: gradient, weights }, flags);
          const wanted = inputGradient(one, gradient, filter).map((value, i) => value + (adds ? there[i]! : 0));
          expectNear(found!, wanted, size ** 2 * columns, before);
        }
      }
      const weights = passes["weight gradient"]?.(set, sizes);
      if (weights) {
        const found = run(
          weights,
          { input, output: gradient, weightGradient: new Float32Array(filter.length).fill(NaN) },
          { dtypes: sizes.dtypes },
        ).weightGradient!;
        const wanted = filterGradient(one, input, gradient);
        const kept = wanted.map((value, i) => (one.groups || Math.floor(i / columns) % depth < lane ? value : 0));
        expectNear(found, kept, images * outHeight * outWidth);
      }
    });
  }
});

const DTYPES: readonly Dtype[] = ["float32", "bfloat16"];

function randomSizes(from: number, name: string) {
  const isWinograd = name === "winograd";
  let state = (from * 2654435761 + 97) >>> 0;
  const below = (n: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const size = isWinograd ? 3 : pick([1, 1, 2, 3, 3, 3, 5, 7]);
  const stride = isWinograd ? 1 : pick([1, 1, 2, 2, 3]);
  const padding = isWinograd ? 1 : below(Math.floor(size / 2) + 1);
  const inGroups = name === "groups" ? randomGroups(pick, below) : undefined;
  const dilation = inGroups ? pick([1, 1, 1, 2, 3]) : 1;
  const span = (size - 1) * dilation + 1;
  const side = (): number => Math.max(1 + below(size > 4 ? 14 : 19), span - 2 * padding);
  const depth = inGroups
    ? inGroups.count * inGroups.inputs
    : isWinograd
      ? pick([8, 24, 40, 64, 136, 200])
      : pick([4, 8, 16, 24, 40, 64]);
  const one = {
    images: pick([1, 2, 3, 5, 8, 16]),
    height: side(),
    width: side(),
    depth,
    columns: inGroups ? inGroups.count * inGroups.outputs : 8 * (1 + below(9)),
    size,
    stride,
    padding,
    ...(inGroups ? { dilation, groups: inGroups.count } : {}),
  };
  const [outHeight, outWidth] = outputSides(one);
  const behind = (input: number, output: number): number => Math.max(0, (output - 1) * stride + span - padding - input);
  const dtypes = inGroups ? DTYPES.slice(0, 1) : DTYPES;
  const sizes: ConvolutionSizes = {
    ...(dilation > 1 ? { dilation: [dilation, dilation] } : {}),
    ...(inGroups ? { groups: inGroups } : {}),
    images: one.images,
    height: one.height,
    width: one.width,
    inLanes: depth,
    outHeight,
    outWidth,
    outLanes: one.columns,
    kernel: [size, size],
    stride: [stride, stride],
    padding: { top: padding, left: padding, bottom: behind(one.height, outHeight), right: behind(one.width, outWidth) },
    dtypes: { input: pick(dtypes), output: pick(dtypes) },
  };
  return { one, sizes };
}

/** A filter a channel, groups of four, or groups whose channels fill vectors on at least one side. */
function randomGroups(pick: <T>(list: readonly T[]) => T, below: (n: number) => number) {
  const count = 1 + below(5);
  if (below(3) === 0) return { count: 8 * count, inputs: 1, outputs: 1 };
  if (below(2) === 0) return { count: 2 * count, inputs: 4, outputs: 4 };
  return { count: 2 * count, inputs: pick([4, 8, 12, 16, 24, 32]), outputs: pick([8, 8, 16, 24, 32, 40]) };
}

type Tensors = Partial<Record<"input" | "output" | "weights" | "bias" | "weightGradient", Float32Array>>;

const ZONE = 256;

/** All phases of a work over memory of its own; its units backwards, as threads may take them in any order. */
function run(
  work: CodeWork,
  tensors: Tensors,
  flags: { hasBias?: boolean; adds?: boolean; dtypes?: ConvolutionSizes["dtypes"] },
): Tensors {
  const { hasBias = false, adds = false, dtypes = { input: "float32", output: "float32" } } = flags;
  const isHalved = (name: string): boolean => dtypes[name as keyof typeof dtypes] === "bfloat16";
  const areas = {
    ...Object.fromEntries(
      Object.entries(tensors).map(([name, values]) => [name, isHalved(name) ? halved(values) : values]),
    ),
    packed: new Float32Array(work.packedBytes / 4),
    partials: new Float32Array((work.packedBytes * work.units) / 4),
    scratch: new Float32Array(work.scratchBytes / 4),
  };
  const placed = Object.entries(areas).map(([name, values]) => {
    const isOurs = name in tensors;
    const whole = new Float32Array(values.length + 2 * ZONE + 16).fill(NaN);
    const start = ZONE + ((64 - ((executable!.addressOf(whole) + ZONE * 4) % 64)) % 64) / 4;
    if (isOurs) whole.set(values, start);
    return {
      name,
      whole,
      view: whole.subarray(start, start + values.length),
      address: executable!.addressOf(whole) + start * 4,
      start,
    };
  });
  const at = Object.fromEntries(placed.map(({ name, address }) => [name, address]));
  const addresses = {
    input: 0,
    output: 0,
    weights: 0,
    bias: 0,
    weightGradient: 0,
    ...at,
    packed: at["packed"]!,
    partials: at["partials"]!,
    hasBias,
    adds,
  };
  const kernels = new Map<string, ReturnType<NonNullable<typeof executable>["kernelAt"]>>();
  const call = (code: Code, ...[a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]: readonly number[]): void => {
    const key = JSON.stringify(code);
    if (!kernels.has(key)) kernels.set(key, executable!.kernelAt(executable!.make(emit(code))));
    kernels.get(key)!(a, b, c, d, e, f);
  };
  for (let piece = work.pieces - 1; piece >= 0; piece--) work.pack(piece, addresses, at["scratch"]!, call);
  for (let unit = work.units - 1; unit >= 0; unit--) work.multiply(unit, addresses, at["scratch"]!, call);
  for (let piece = work.pieces - 1; piece >= 0; piece--) work.unpack(piece, addresses, at["scratch"]!, call);
  for (const { name, whole, view, start } of placed) {
    const zones = [whole.subarray(0, start), whole.subarray(start + view.length)];
    expect(
      zones.every((zone) => zone.every(Number.isNaN)),
      `the red zones of ${name}`,
    ).toBe(true);
  }
  return Object.fromEntries(placed.map(({ name, view }) => [name, isHalved(name) ? unhalved(view) : view]));
}
