// Each of oneDNN's methods on each pass of a convolution, through the engine's threads, against plain loops in float64.
import { ZEROS } from "../../../src/compiler/lower/kernels/kernel-constants.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConvolutionPass, ConvolutionTask } from "../../../src/compiler/lower/convolutions/convolution-task.js";
import { candidates } from "../../../src/compiler/lower/convolutions/convolution-kernels.js";
import { stepOfTask } from "../../../src/compiler/lower/convolutions/convolution-tasks.js";
import type { ConvolutionSizes } from "../../../src/compiler/lower/convolutions/convolution-plan.js";
import { kernels } from "../../../src/compiler/lower/kernels/kernels.js";
import type { Dtype } from "../../../src/compiler/lower/placement/layout.js";
import { Heap, encodeStep } from "../../../src/runtime/engines/wasm/heap.js";
import { METHODS } from "../../../src/runtime/engines/wasm/onednn/methods.js";
import { threadModules } from "../../../src/runtime/engines/wasm/thread-modules.js";
import { ThreadPool } from "../../../src/runtime/engines/wasm/thread-pool.js";
import { streams, symmetric } from "../../oracle/counter-random.js";
import { isOld, libraryOf, oneDnn } from "./one-dnn.js";

const passes = ["forward", "input gradient", "weight gradient"] as const;

/** Of the distance: float32 sums of up to 1,728 products, Winograd's transforms, 8 bits of mantissa. */
const TOLERANCES: Readonly<Record<string, number>> = {
  direct: 1e-6,
  "direct, blocked": 1e-6,
  winograd: 1e-5,
  "without padding": 1e-6,
  bfloat16: 1e-2,
  "bfloat16, blocked": 1e-2,
  "bfloat16 without padding": 1e-2,
};

const square = (kernel: number, stride: number, padding: number) => ({
  kernel: [kernel, kernel] as const,
  stride: [stride, stride] as const,
  padding: { top: padding, bottom: padding, left: padding, right: padding },
});

const DTYPES = [
  { input: "bfloat16", output: "bfloat16" },
  { input: "float32", output: "bfloat16" },
  { input: "bfloat16", output: "float32" },
] as const;

const GEOMETRIES: Readonly<Record<string, ConvolutionSizes>> = {
  "3×3 on a map of odd size": sizes(5, 9, 7, 16, 24, square(3, 1, 1)),
  "3×3 with stride 2": sizes(3, 8, 8, 16, 32, square(3, 2, 1)),
  "1×1 with stride 2": sizes(3, 7, 7, 16, 32, square(1, 2, 0)),
  "the images' own four lanes": sizes(3, 10, 10, 4, 16, square(3, 1, 1)),
  "a 7×7 stem without padding": sizes(2, 17, 17, 4, 8, square(7, 2, 0)),
  "a matrix product": sizes(6, 1, 1, 64, 16, square(1, 1, 0)),
  "a filter that is packed in parts": sizes(4, 4, 4, 192, 192, square(3, 1, 1)),
  "a batch whose last part is smaller": sizes(21, 16, 16, 32, 32, square(3, 1, 1)),
  "3×3 on maps as small as its padding": sizes(130, 1, 2, 16, 128, square(3, 1, 1)),
  "3×3 with stride 2 on a map of odd size": sizes(7, 7, 5, 16, 24, square(3, 2, 1)),
  "sides of their own": sizes(5, 6, 5, 16, 8, {
    kernel: [3, 5],
    stride: [1, 2],
    padding: { top: 2, bottom: 1, left: 0, right: 3 },
  }),
  "3×3 with stride 2 on a map of width 1": sizes(5, 8, 1, 16, 16, square(3, 2, 1)),
  "3×3 with stride 3 that ends in one column": sizes(3, 16, 2, 16, 16, square(3, 3, 1)),
  "7×7 with stride 8 that ends in one pixel": sizes(3, 7, 7, 8, 16, square(7, 8, 3)),
  "windows that lie in the padding alone": sizes(3, 5, 2, 16, 16, square(7, 2, 6)),
  "a batch of one": sizes(1, 6, 6, 8, 8, square(3, 1, 1)),
};

const heap = new Heap(64 * 2 ** 20);
const pools = new Map(
  [1, 3].map((threads) => [threads, new ThreadPool(heap, threads, threadModules([libraryOf(true)]))]),
);
beforeAll(async () => {
  for (const pool of pools.values()) await pool.start();
});
afterAll(async () => {
  for (const pool of pools.values()) await pool.dispose();
});

describe.each(Object.entries(GEOMETRIES))("%s", (_, geometry) => {
  const expected = reference(geometry);
  for (const pass of passes) {
    for (const { name: method } of METHODS) {
      const can = (dtypes?: ConvolutionSizes["dtypes"]): boolean =>
        kernelOf(pass, { ...geometry, ...(dtypes ? { dtypes } : {}) }, method) !== undefined;
      if (can()) {
        it(`${pass}, ${method}`, async () => {
          const [one, three] = [await compute(pass, geometry, method, 1), await compute(pass, geometry, method, 3)];
          expect(distance(one, expected[pass])).toBeLessThan(TOLERANCES[method]!);
          expect(three).toEqual(one); // bits do not depend on the threads
        });
      }
      for (const dtypes of DTYPES.filter(can)) {
        const { input, output } = dtypes;
        it(`${pass}, ${method}, with maps stored as ${input} and ${output}`, async () => {
          const stored = { ...geometry, dtypes };
          const one = await compute(pass, stored, method, 1);
          const limit = Math.max(TOLERANCES[method]!, TOLERANCES["bfloat16"]!);
          expect(distance(one, expected[pass])).toBeLessThan(limit);
          expect(await compute(pass, stored, method, 3)).toEqual(one);
        });
      }
      if (pass !== "input gradient") continue;
      for (const dtypes of [...DTYPES, { input: "float32", output: "float32" } as const].filter(can)) {
        const { input, output } = dtypes;
        it(`${pass}, ${method}, added to a gradient stored as ${input}, of one stored as ${output}`, async () => {
          const sum = await compute(pass, { ...geometry, dtypes }, method, 3, true);
          const { input: earlier } = tensors(geometry);
          const wanted = expected[pass].map((value, index) => value + earlier[index]!);
          expect(distance(sum, wanted)).toBeLessThan(Math.max(TOLERANCES[method]!, TOLERANCES["bfloat16"]!));
        });
      }
    }
  }
});

it("leaves the padding out in every pass where a map is small, and nowhere where it is large", () => {
  if (!oneDnn.bfloat16) return;
  const halves = (geometry: ConvolutionSizes) => ({ ...geometry, dtypes: DTYPES[0] });
  const can = (geometry: ConvolutionSizes) =>
    passes.map((pass) => kernelOf(pass, halves(geometry), "bfloat16 without padding") !== undefined);
  expect(can(sizes(4, 3, 3, 64, 64, square(3, 1, 1)))).toEqual([true, true, true]);
  expect(can(sizes(4, 6, 6, 64, 64, square(3, 2, 1)))).toEqual([true, true, true]);
  expect(can(sizes(4, 24, 24, 64, 64, square(3, 1, 1)))).toEqual([false, false, false]);
  expect(can(sizes(4, 3, 3, 64, 64, square(1, 1, 0)))).toEqual([false, false, false]);
});

it("has zeros for an absent bias of the most classes that the language allows, and for the padding of the most channels", async () => {
  // What lies behind the zeros is NaN
  for (const geometry of [sizes(1, 1, 1, 8, 100_000, square(1, 1, 0)), sizes(1, 2, 1, 65_536, 8, square(3, 1, 1))]) {
    expect((await compute("forward", geometry, "direct", 1)).every(Number.isFinite)).toBe(true);
  }
});

it("leaves it out in float32, too", () => {
  const can = (geometry: ConvolutionSizes) =>
    passes.map((pass) => kernelOf(pass, geometry, "without padding") !== undefined);
  expect(can(sizes(4, 6, 6, 64, 64, square(3, 2, 1)))).toEqual([true, true, true]);
  expect(can(sizes(4, 24, 24, 64, 64, square(3, 1, 1)))).toEqual([false, false, false]);
});

it("has no direct method for a strided 1×1 whose channels fill no vector: oneDNN writes beyond its scratch", () => {
  for (const pass of passes) {
    expect(kernelOf(pass, sizes(16, 128, 128, 8, 16, square(1, 2, 0)), METHODS[0]!.name)).toBeUndefined();
    expect(kernelOf(pass, sizes(16, 128, 128, 16, 32, square(1, 2, 0)), METHODS[0]!.name)).toBeDefined();
  }
});

it("has a direct method for every pass of every geometry here, and Winograd's in version 2", () => {
  for (const geometry of Object.values(GEOMETRIES)) {
    for (const pass of passes) expect(kernelOf(pass, geometry, "direct")).toBeDefined();
  }
  const winograd = kernelOf("forward", GEOMETRIES["3×3 on a map of odd size"]!, "winograd");
  expect(winograd !== undefined).toBe(isOld);
});

function sizes(
  images: number,
  height: number,
  width: number,
  inLanes: number,
  outLanes: number,
  window: Pick<ConvolutionSizes, "kernel" | "stride" | "padding">,
): ConvolutionSizes {
  const { kernel, stride, padding } = window;
  const outHeight = Math.floor((height + padding.top + padding.bottom - kernel[0]) / stride[0]) + 1;
  const outWidth = Math.floor((width + padding.left + padding.right - kernel[1]) / stride[1]) + 1;
  return { images, height, width, inLanes, outLanes, outHeight, outWidth, ...window };
}

function kernelOf(pass: ConvolutionPass, geometry: ConvolutionSizes, method: string) {
  const task = { pass, ...geometry } as ConvolutionTask & { pass: typeof pass };
  const all = candidates(task, { chosen: {}, providers: [libraryOf(true)] });
  return all.find(({ name }) => name === `oneDNN ${oneDnn.version} ${method}`);
}

/** The tensors that a pass can read, the same for every pass of a geometry. */
function tensors({ images, height, width, inLanes, outHeight, outWidth, outLanes, kernel }: ConvolutionSizes) {
  const filled = (index: number, count: number) => Float32Array.from(symmetric(1, streams.operand + index, count));
  return {
    input: filled(1, images * height * width * inLanes),
    weights: filled(2, kernel[0] * kernel[1] * inLanes * outLanes),
    outputGradient: filled(3, images * outHeight * outWidth * outLanes),
  };
}

async function compute(
  pass: ConvolutionPass,
  geometry: ConvolutionSizes,
  method: string,
  threads: number,
  adds = false,
): Promise<Float32Array> {
  const task = { pass, ...geometry } as ConvolutionTask & { pass: typeof pass };
  const { step, heapBytes, inputs } = stepOfTask(task, kernelOf(pass, geometry, method) as never, threads, [
    libraryOf(true),
  ]);
  const stepAddress = Math.ceil(heapBytes / 64) * 64;
  heap.ensure(stepAddress + encodeStep(step).length * 4);
  // All NaN: a kernel that reads what nobody wrote cannot come out right by zeros that happen to be there
  const start = inputs[0]!.address;
  heap.bytes(ZEROS, start - ZEROS).fill(0); // an earlier step may have begun there
  heap.bytes(start, stepAddress - start).fill(0xff);
  const [call] = step.calls;
  const operands = Object.fromEntries(
    Object.keys(kernels[call!.kernel].operands).map((name, at) => [name, call!.operands[at]!]),
  );
  const { dtypes = { input: "float32", output: "float32" } } = geometry;
  const dtypesOfOperands: Readonly<Record<string, Dtype>> = {
    input: dtypes.input,
    inputGradient: dtypes.input,
    output: dtypes.output,
    outputGradient: dtypes.output,
  };
  const { input, ...others } = tensors(geometry);
  const given: Readonly<Record<string, Float32Array>> = { input, ...others, ...(adds ? { inputGradient: input } : {}) };
  for (const [name, values] of Object.entries(given)) {
    if (operands[name] === undefined) continue;
    if (dtypesOfOperands[name] === "bfloat16") halves(operands[name], values.length).set(rounded(values));
    else heap.floats(operands[name], values.length).set(values);
  }
  const { kernel, operands: values } = call!;
  const accumulate = Object.keys(kernels[kernel].operands).indexOf("accumulate");
  const added = { ...call!, operands: values.map((value, index) => (adds && index === accumulate ? 1 : value)) };
  heap.writeStep({ ...step, calls: [added, ...step.calls.slice(1)] }, stepAddress);
  await pools.get(threads)!.run(stepAddress);
  const result = { forward: "output", "input gradient": "inputGradient", "weight gradient": "weightGradient" }[pass];
  const count = reference(geometry)[pass].length;
  if (dtypesOfOperands[result] !== "bfloat16") return heap.floats(operands[result]!, count).slice();
  return new Float32Array(Uint32Array.from(halves(operands[result]!, count), (half) => half << 16).buffer);
}

function halves(address: number, count: number): Uint16Array {
  return new Uint16Array(heap.memory.buffer, address, count);
}

/** To the nearest bfloat16; half away from zero does here. */
function rounded(values: Float32Array): Uint16Array {
  return Uint16Array.from(new Uint32Array(values.slice().buffer), (bits) => (bits + 0x8000) >>> 16);
}

const references = new Map<string, Readonly<Record<ConvolutionPass, Float64Array>>>();

function reference(geometry: ConvolutionSizes): Readonly<Record<ConvolutionPass, Float64Array>> {
  const { dtypes: _, ...plain } = geometry;
  const key = JSON.stringify(plain);
  const known = references.get(key);
  if (known) return known;
  const { images, height, width, inLanes, outHeight, outWidth, outLanes, kernel, stride, padding } = geometry;
  const { input, weights, outputGradient } = tensors(geometry);
  const output = new Float64Array(outputGradient.length);
  const inputGradient = new Float64Array(input.length);
  const weightGradient = new Float64Array(weights.length);
  for (let image = 0; image < images; image++) {
    for (let pixel = 0; pixel < outHeight * outWidth; pixel++) {
      const [row, column] = [Math.floor(pixel / outWidth), pixel % outWidth];
      const to = (image * outHeight * outWidth + pixel) * outLanes;
      for (let tap = 0; tap < kernel[0] * kernel[1]; tap++) {
        const y = row * stride[0] + Math.floor(tap / kernel[1]) - padding.top;
        const x = column * stride[1] + (tap % kernel[1]) - padding.left;
        if (y < 0 || y >= height || x < 0 || x >= width) continue;
        const from = ((image * height + y) * width + x) * inLanes;
        for (let depth = 0; depth < inLanes; depth++) {
          const filter = (tap * inLanes + depth) * outLanes;
          for (let channel = 0; channel < outLanes; channel++) {
            const gradient = outputGradient[to + channel]!;
            output[to + channel]! += input[from + depth]! * weights[filter + channel]!;
            inputGradient[from + depth]! += gradient * weights[filter + channel]!;
            weightGradient[filter + channel]! += gradient * input[from + depth]!;
          }
        }
      }
    }
  }
  const all = { forward: output, "input gradient": inputGradient, "weight gradient": weightGradient };
  references.set(key, all);
  return all;
}

/** Relative, by the norms of all values together. */
function distance(found: Float32Array, expected: Float64Array): number {
  let [difference, whole] = [0, 0];
  expected.forEach((value, index) => {
    difference += (found[index]! - value) ** 2;
    whole += value ** 2;
  });
  return Math.sqrt(difference / whole);
}
