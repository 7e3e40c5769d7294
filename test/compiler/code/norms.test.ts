// Batch norm's kernels and its gradient's over random sizes, cut into units as machine code cuts them, beside float64: units run in any
// order, all between red zones. `CODE_SHAPES` says how many sizes, `FUZZ_SEED` which.
import { describe, expect, it } from "vitest";
import type { Code } from "../../../src/compiler/code/works.js";
import { emit } from "../../../src/compiler/code/works.js";
import type { InstructionSet } from "../../../src/compiler/code/instruction-set.js";
import { fusedNorm } from "../../../src/compiler/code/norms/fused.js";
import type { CallAddresses } from "../../../src/compiler/code/norms/norm-works.js";
import { roundsOf } from "../../../src/compiler/code/norms/norm-works.js";
import { activationCode } from "../../../src/compiler/lower/kernels/kernel-constants.js";
import type { MapKernel } from "../../../src/compiler/lower/kernels/map-kernels.js";
import type { KernelName } from "../../../src/compiler/lower/kernels/kernels.js";
import { rowOf } from "../../../src/compiler/lower/kernels/kernels.js";
import { executable, noise, sets } from "../../engines/wasm/code/code-memory.js";
import type { Dtype } from "../../../src/compiler/lower/placement/layout.js";
import { farthest, halved, rounded, unhalved } from "./reference.js";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const shapes = Number(process.env["CODE_SHAPES"] ?? 12);
const cases = Array.from({ length: shapes }, (_, index) => seed + index);

const RELU = activationCode("relu");
const PARTIALS = 16;
const [EPSILON, MOMENTUM] = [Math.fround(1e-5), Math.fround(0.1)];
type Operands = Record<string, Float32Array | number>;

/** Half of the last of eight bits. */
const HALF = 2 ** -8;
const forms = sets.flatMap((set) => (["float32", "bfloat16"] as const).map((dtype) => [dtype, set] as const));

describe.each(forms)("machine code over maps of %s with %s", (dtype, set) => {
  it.each(cases)("normalises over random sizes of seed %d", (from) => {
    const { operands, hasRelu, outerRelu, lanes, pixels, x, residual } = forwardCase(from, dtype);
    const found = run(set, "batch_norm", operands, dtype);
    const { scale, shift } = operands as Record<string, Float32Array>;
    for (let channel = 0; channel < lanes; channel++) {
      const values = Float64Array.from({ length: pixels }, (_, pixel) => x[pixel * lanes + channel]!);
      const mean = values.reduce((sum, value) => sum + value, 0) / pixels;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / pixels;
      const reciprocal = 1 / Math.sqrt(variance + EPSILON);
      const factor = reciprocal * (operands["scale"] === 0 ? 1 : scale![channel]!);
      const unbiased = pixels > 1 ? (variance * pixels) / (pixels - 1) : variance;
      // One pixel has no variance, and then deviations are as far from zero as epsilon makes them
      const near = (name: string, wanted: number): void =>
        expect(Math.abs(found[name]![channel]! - wanted) / (Math.abs(wanted) + 1), name).toBeLessThan(2e-6);
      near("mean", mean);
      near("reciprocalDeviation", reciprocal);
      near("factor", factor);
      near("term", shift![channel]! - mean * factor);
      near("runningMean", 0.25 * (1 - MOMENTUM) + mean * MOMENTUM);
      near("runningVariance", 1.5 * (1 - MOMENTUM) + unbiased * MOMENTUM);
    }
    // From the factor and term that were found: what is left is the rounding of one multiply-add and one addition
    const wanted = Float64Array.from(x, (value, i) => {
      const normed = value * found["factor"]![i % lanes]! + found["term"]![i % lanes]!;
      const inner = hasRelu ? Math.max(0, normed) : normed;
      const sum = inner + (residual?.[i] ?? 0);
      return outerRelu ? Math.max(0, sum) : sum;
    });
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    expect(farthest(found["output"]!, wanted) / largest).toBeLessThan(5e-7 + roundingOf(dtype));
    const { factor, term } = found as Record<string, Float32Array>;
    const again = { ...operands, factor: factor!, term: term!, output: new Float32Array(x.length).fill(NaN) };
    expect(run(set, "batch_norm_again", again, dtype)["output"]).toEqual(found["output"]);
  });

  it.each(cases)("gives a norm's gradients over random sizes of seed %d", (from) => {
    const { operands, hasRelu, lanes, pixels } = gradientCase(from, dtype);
    const found = run(set, "batch_norm_gradient", operands, dtype);
    const of = operands as Record<string, Float32Array>;
    const [x, dy] = [of["input"]!, of["outputGradient"]!];
    const outer = Float64Array.from(dy, (value, i) => (operands["output"] === 0 || of["output"]![i]! > 0 ? value : 0));
    const d = outer.map((value, i) => {
      const isOpen = !hasRelu || x[i]! * of["factor"]![i % lanes]! + of["term"]![i % lanes]! > 0;
      return isOpen ? value : 0;
    });
    const wanted = new Float64Array(x.length);
    for (let channel = 0; channel < lanes; channel++) {
      const [mean, reciprocal] = [of["mean"]![channel]!, of["reciprocalDeviation"]![channel]!];
      let [sum, product] = [0, 0];
      for (let i = channel; i < x.length; i += lanes) {
        sum += d[i]!;
        product += d[i]! * (x[i]! - mean) * reciprocal;
      }
      const tolerance = 2e-6 * Math.sqrt(pixels) * Math.max(1, reciprocal);
      if (operands["shiftGradient"] !== 0)
        expect(Math.abs(found["shiftGradient"]![channel]! - sum)).toBeLessThan(tolerance);
      if (operands["scaleGradient"] !== 0)
        expect(Math.abs(found["scaleGradient"]![channel]! - product)).toBeLessThan(tolerance);
      const factor = of["factor"]![channel]!;
      for (let i = channel; i < x.length; i += lanes) {
        const normed = (x[i]! - mean) * reciprocal;
        wanted[i] = factor * (d[i]! - sum / pixels - (normed * product) / pixels);
      }
    }
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    expect(farthest(found["inputGradient"]!, wanted) / largest).toBeLessThan(3e-6 + roundingOf(dtype));
    if (operands["residualGradient"] !== 0) expect(farthest(found["residualGradient"]!, outer)).toBe(0);
  });

  it.runIf(dtype === "float32").each(cases)(
    "normalises and sums up for a convolution over sizes of seed %d",
    (from) => {
      const { below, lanes, pixels, x } = randomCase(from, dtype);
      const [first, thread] = [below(pixels), below(3)];
      const count = pixels - first;
      const operands: Operands = {
        ...{ inLanes: lanes, outLanes: lanes, inner: RELU, outerRelu: 0, normalisedStride: count * lanes * 4 },
        ...{ input: x, output: x, factor: noise(lanes, from + 1), term: noise(lanes, from + 2) },
        pivots: noise(lanes, from + 3),
        normalised: new Float32Array(3 * count * lanes).fill(NaN),
        sums: new Float32Array(2 * 2 * lanes * 2).fill(NaN),
      };
      const of = operands as Record<string, Float32Array>;
      const there = Object.fromEntries(Object.entries(operands).map(([name, one]) => [name, Number(one) || 1]));
      const numbers = { ...there, inLanes: lanes, outLanes: lanes, inner: RELU, outerRelu: 0 };
      const found = runOver("library_convolution", operands, (at, call) => {
        const sizes = { ...numbers, normalisedStride: count * lanes * 4 };
        const fused = fusedNorm(set, { kernel: "library_convolution", operands: sizes }, at, thread);
        fused.normalise!(first, count, call);
        fused.sum!(1, first, count, call);
      });
      const normalised = found["normalised"]!.subarray(thread * count * lanes, (thread + 1) * count * lanes);
      const wanted = Float64Array.from(normalised, (_, i) =>
        Math.max(0, x[first * lanes + i]! * of["factor"]![i % lanes]! + of["term"]![i % lanes]!),
      );
      expect(farthest(normalised, wanted)).toBeLessThan(5e-5);
      const sums = new Float64Array(found["sums"]!.slice().buffer).subarray(2 * lanes);
      for (let channel = 0; channel < lanes; channel++) {
        let [sum, square] = [0, 0];
        for (let i = first * lanes + channel; i < x.length; i += lanes) {
          const rest = x[i]! - of["pivots"]![channel]!;
          [sum, square] = [sum + rest, square + rest ** 2];
        }
        expect(Math.abs(sums[channel]! - sum) / (Math.abs(sum) + 1)).toBeLessThan(1e-5);
        expect(Math.abs(sums[lanes + channel]! - square) / (square + 1)).toBeLessThan(1e-5);
      }
    },
  );

  it("leaves GELU and maps of four lanes to WebAssembly", () => {
    const { operands } = forwardCase(1, dtype);
    expect(roundsOf(set, "batch_norm", { ...operands, inner: activationCode("gelu") })).toBeUndefined();
    expect(roundsOf(set, "batch_norm", { ...operands, lanes: 4 })).toBeUndefined();
    expect(roundsOf(set, "batch_norm", operands)).toHaveLength(3);
    expect(roundsOf(set, "max_pool", operands)).toBeUndefined();
  });

  it("keeps what is no number, behind ReLU too", () => {
    const { operands } = forwardCase(2, dtype);
    (operands["input"] as Float32Array)[0] = NaN;
    expect(run(set, "batch_norm", { ...operands, inner: RELU, outerRelu: 1 }, dtype)["output"]![0]).toBeNaN();
  });
});

describe.each(["float32", "bfloat16"] as const)("over maps of %s", (dtype) => {
  it.runIf(sets.length === 2).each(cases)("has the same bits with AVX2 and AVX-512 over sizes of seed %d", (from) => {
    const [some, others] = sets.map((set) => [
      run(set, "batch_norm", forwardCase(from, dtype).operands, dtype),
      run(set, "batch_norm_gradient", gradientCase(from, dtype).operands, dtype),
    ]);
    expect(some).toEqual(others);
  });
});

function roundingOf(dtype: Dtype): number {
  return dtype === "bfloat16" ? HALF : 0;
}

/** As the dtype has it. */
function stored(map: Float32Array, dtype: Dtype): Float32Array {
  return dtype === "bfloat16" ? map.map(rounded) : map;
}

/** Sizes and options that follow from a seed: every number of lanes, and of pixels from one on. */
function randomCase(from: number, dtype: Dtype) {
  let state = (from * 2654435761 + 53) >>> 0;
  const below = (n: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
  const lanes = 8 * (1 + below(below(3) === 0 ? 70 : 9));
  const pixels = 1 + below(below(3) === 0 ? Math.ceil(40_000 / lanes) : 200);
  const mean = below(3) === 0 ? 100 : 0.5;
  const x = stored(
    noise(pixels * lanes, from).map((value, i) => value + (i % lanes) * 0.1 + mean),
    dtype,
  );
  return { below, lanes, pixels, x };
}

function forwardCase(from: number, dtype: Dtype) {
  const { below, lanes, pixels, x } = randomCase(from, dtype);
  const [hasResidual, hasScale] = [below(2) === 1, below(3) > 0];
  const [hasRelu, outerRelu] = [below(2), below(2)];
  const residual = hasResidual ? stored(noise(x.length, from + 1), dtype) : undefined;
  const operands: Operands = {
    ...{
      lanes,
      pixels,
      inner: hasRelu ? RELU : 0,
      outerRelu,
      summed: 0,
      partialCount: PARTIALS,
      epsilon: EPSILON,
      momentum: MOMENTUM,
    },
    input: x,
    residual: residual ?? 0,
    output: new Float32Array(x.length).fill(NaN),
    scale: hasScale ? noise(lanes, from + 2) : 0,
    shift: noise(lanes, from + 3),
    ...channels(lanes, "mean", "reciprocalDeviation", "factor", "term"),
    runningMean: new Float32Array(lanes).fill(0.25),
    runningVariance: new Float32Array(lanes).fill(1.5),
    partials: new Float32Array(PARTIALS * 2 * lanes * 2).fill(NaN),
  };
  return { operands, hasRelu, outerRelu, lanes, pixels, x, residual };
}

function gradientCase(from: number, dtype: Dtype) {
  const { below, lanes, pixels } = randomCase(from, dtype);
  const hasRelu = below(2);
  const [hasOutput, keeps, hasScale] = [below(2) === 1, below(2) === 1, below(3) > 0];
  const map = (offset: number): Float32Array => stored(noise(pixels * lanes, from + offset), dtype);
  const mean = noise(lanes, from + 6);
  const reciprocalDeviation = noise(lanes, from + 7).map((value) => 1.5 + value);
  const scale = hasScale ? noise(lanes, from + 8) : undefined;
  const factor = reciprocalDeviation.map((value, channel) => value * (scale?.[channel] ?? 1));
  const operands: Operands = {
    ...{ lanes, pixels, inner: hasRelu ? RELU : 0, outerRelu: 0, summed: 0, partialCount: PARTIALS },
    outputGradient: map(4),
    input: map(5),
    output: hasOutput ? map(10) : 0,
    scale: scale ?? 0,
    mean,
    reciprocalDeviation,
    factor,
    term: noise(lanes, from + 9),
    scaleGradient: hasScale ? new Float32Array(lanes).fill(NaN) : 0,
    shiftGradient: below(4) ? new Float32Array(lanes).fill(NaN) : 0,
    inputGradient: new Float32Array(pixels * lanes).fill(NaN),
    residualGradient: keeps ? new Float32Array(pixels * lanes).fill(NaN) : 0,
    partials: new Float32Array(PARTIALS * 2 * lanes * 2).fill(NaN),
    coefficients: new Float32Array(3 * lanes).fill(NaN),
  };
  return { operands, hasRelu, lanes, pixels };
}

function channels(lanes: number, ...names: readonly string[]): Operands {
  return Object.fromEntries(names.map((name) => [name, new Float32Array(lanes).fill(NaN)]));
}

const ZONE = 512;
const MAPS = new Set(["input", "output", "residual", "outputGradient", "inputGradient", "residualGradient"]);

/** All rounds of a call over memory of its own, the units of each backwards; gives back what its operands hold afterwards. */
function run(set: InstructionSet, form: MapKernel, operands: Operands, dtype: Dtype): Record<string, Float32Array> {
  const kernel: KernelName = dtype === "bfloat16" ? `${form}_bfloat16` : form;
  const body = (at: CallAddresses, call: Call): void => {
    for (const { units, run: runUnit } of roundsOf(set, kernel, operands)!)
      for (let unit = units - 1; unit >= 0; unit--) runUnit(unit, at, call);
  };
  return runOver(kernel, operands, body, dtype);
}

type Call = (code: Code, ...operands: readonly number[]) => void;

/** What the operands of a call hold after `body` has run code at their addresses, between red zones. */
function runOver(
  kernel: KernelName,
  operands: Operands,
  body: (at: CallAddresses, call: Call) => void,
  dtype: Dtype = "float32",
): Record<string, Float32Array> {
  const isHalved = (name: string): boolean => dtype === "bfloat16" && MAPS.has(name);
  const placed = Object.entries(operands).flatMap(([name, given]) => {
    if (typeof given === "number") return [];
    const values = isHalved(name) ? halved(given) : given;
    const whole = new Float32Array(values.length + 2 * ZONE + 16).fill(NaN);
    const start = ZONE + ((64 - ((executable!.addressOf(whole) + ZONE * 4) % 64)) % 64) / 4;
    whole.set(values, start);
    return [{ name, whole, start, length: values.length, address: executable!.addressOf(whole) + start * 4 }];
  });
  const addresses = Object.fromEntries(placed.map(({ name, address }) => [name, address]));
  const names = Object.keys(rowOf(kernel).operands);
  const words = new DataView(new ArrayBuffer(names.length * 8));
  names.forEach((name, index) => {
    const address = addresses[name];
    if (address === undefined) words.setFloat64(index * 8, (operands[name] ?? 0) as number, true);
    else words.setBigInt64(index * 8, BigInt(address), true);
  });
  const at = { operands: executable!.addressOf(words), at: (name: string) => addresses[name]! };
  const kernels = new Map<string, ReturnType<NonNullable<typeof executable>["kernelAt"]>>();
  const call: Call = (code, ...[a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]) => {
    const key = JSON.stringify(code);
    if (!kernels.has(key)) kernels.set(key, executable!.kernelAt(executable!.make(emit(code))));
    kernels.get(key)!(a, b, c, d, e, f);
  };
  body(at, call);
  for (const { name, whole, start, length } of placed) {
    const zones = [whole.subarray(0, start), whole.subarray(start + length)];
    expect(
      zones.every((zone) => zone.every(Number.isNaN)),
      `the red zones of ${name}`,
    ).toBe(true);
  }
  return Object.fromEntries(
    placed.map(({ name, whole, start, length }) => {
      const view = whole.subarray(start, start + length);
      return [name, isHalved(name) ? unhalved(view) : view];
    }),
  );
}
