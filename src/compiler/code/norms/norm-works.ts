// What machine code does of a norm's call: rounds of units that any thread may run, and which kernels a unit calls over which pixels.
// Cuts follow from the sizes alone, so that bits depend neither on threads nor on the instruction set.
import type { KernelName } from "../../lower/kernels/kernels.js";
import { activationCode } from "../../lower/kernels/kernel-constants.js";
import { rowOf } from "../../lower/kernels/kernels.js";
import type { Dtype } from "../../lower/placement/layout.js";
import { elementBytes } from "../../lower/placement/layout.js";
import type { InstructionSet } from "../instruction-set.js";
import { normApplied, normStatistics, normSums } from "./forward.js";
import { normGradientApplied, normGradientCoefficients, normGradientSums } from "./gradient.js";

export const NORM_EMITTERS = {
  normSums,
  normStatistics,
  normApplied,
  normGradientSums,
  normGradientCoefficients,
  normGradientApplied,
};

type Emitters = typeof NORM_EMITTERS;
/** A kernel to be emitted, as works.ts has it. */
export type NormCode = {
  readonly [E in keyof Emitters]: {
    readonly name: E;
    readonly of: Parameters<Emitters[E]> extends [...infer Data, unknown?] ? Data : never;
  };
}[keyof Emitters];

const RELU = activationCode("relu");

/** A call as its units see it. */
export interface CallAddresses {
  /** Of its operands, a word of 64 bits each in the order of the kernel's row: addresses, and numbers as doubles. */
  readonly operands: number;
  /** What one of them is the address of. */
  readonly at: (operand: string) => number;
}

export interface Round {
  readonly units: number;
  readonly run: (
    unit: number,
    at: CallAddresses,
    call: (code: NormCode, ...operands: readonly number[]) => void,
  ) => void;
}

/** Numbers, or what stands for an address: null or 0 where it is absent. */
type Operands = Readonly<Record<string, unknown>>;

const WORKS = {
  // What a convolution has summed up is not summed again, and what one normalises where it reads is not written
  batch_norm: (call: NormCall) => [
    ...(call.isSummed ? [] : [call.partialSums(call.sums())]),
    call.once(call.statistics()),
    ...(call.has("output") ? [call.overPixels(call.applied())] : []),
  ],
  batch_norm_again: (call: NormCall) => [call.overPixels(call.applied())],
  batch_norm_gradient: (call: NormCall) => [
    ...(call.isSummed ? [] : [call.partialSums(call.gradientSums())]),
    call.once(call.gradientCoefficients()),
    call.overPixels(call.gradientApplied()),
  ],
} satisfies Partial<Record<KernelName, (call: NormCall) => readonly Round[]>>;

/** Each over maps of float32 and of bfloat16. */
const FORMS = new Map<KernelName, readonly [work: keyof typeof WORKS, dtype: Dtype]>(
  (Object.keys(WORKS) as (keyof typeof WORKS)[]).flatMap((name) => [
    [name, [name, "float32"]],
    [`${name}_bfloat16`, [name, "bfloat16"]],
  ]),
);

export const NORM_KERNELS = [...FORMS.keys()];

/** The rounds of a call, or undefined where machine code does not carry it out. */
export function roundsOf(set: InstructionSet, kernel: KernelName, operands: Operands): readonly Round[] | undefined {
  const isOther = ![0, RELU].includes(Number(operands["inner"]));
  if (isOther || Number(operands["lanes"]) % 8 !== 0) return undefined;
  const [work, dtype] = FORMS.get(kernel) ?? [];
  return work && WORKS[work](new NormCall(set, kernel, dtype!, operands));
}

/** Floats of a map that a unit of an elementwise pass goes over: some microseconds of work. */
const UNIT_FLOATS = 32_768;
/** The first pixels that pivots are averages of. */
const SAMPLE = 8;

/** A call of a norm's kernel: the code of its passes, and how they are cut. */
class NormCall {
  private readonly names: readonly string[];
  private readonly lanes: number;
  private readonly pixels: number;
  private readonly pixelBytes: number;

  constructor(
    private readonly set: InstructionSet,
    kernel: KernelName,
    private readonly dtype: Dtype,
    private readonly operands: Operands,
  ) {
    this.names = Object.keys(rowOf(kernel).operands);
    this.lanes = this.number("lanes");
    this.pixels = this.number("pixels");
    this.pixelBytes = this.lanes * elementBytes[this.dtype];
  }

  get isSummed(): boolean {
    return this.number("summed") !== 0;
  }

  has(name: string): boolean {
    return this.optional(name) !== null;
  }

  /** Over all pixels, some a unit. */
  overPixels(code: NormCode): Round {
    const inUnit = Math.max(8, Math.floor(UNIT_FLOATS / this.lanes));
    return {
      units: Math.ceil(this.pixels / inUnit),
      run: (unit, { operands }, call) => {
        const first = unit * inUnit;
        call(code, operands, first * this.pixelBytes, Math.min(this.pixels - first, inUnit));
      },
    };
  }

  /** Each partial sum over its share of the pixels. */
  partialSums(code: NormCode): Round {
    const { lanes, pixels, pixelBytes } = this;
    const { partialCount, sums } = this.partials();
    const cut = (partial: number): number => Math.floor((pixels * partial) / partialCount);
    return {
      units: partialCount,
      run(partial, { operands, at }, call) {
        const [first, end] = [cut(partial), cut(partial + 1)];
        call(code, operands, first * pixelBytes, end - first, at("partials") + partial * sums * lanes * 8);
      },
    };
  }

  once(code: NormCode): Round {
    return { units: 1, run: (_unit, { operands }, call) => call(code, operands) };
  }

  sums(): NormCode {
    const sample = Math.min(SAMPLE, this.pixels);
    const { lanes, dtype } = this;
    return {
      name: "normSums",
      of: [this.set, { lanes, dtype, input: this.word("input"), pivots: this.word("factor"), sample }],
    };
  }

  statistics(): NormCode {
    const words = this.words(
      "shift",
      "mean",
      "reciprocalDeviation",
      "factor",
      "term",
      "runningMean",
      "runningVariance",
    );
    const numbers = this.words("pixels", "epsilon", "momentum");
    // Sums that were taken before the call are over the running means
    const [pivots, scale] = [this.isSummed ? words.runningMean : words.factor, this.optional("scale")];
    return {
      name: "normStatistics",
      of: [{ ...this.partials(), ...words, ...numbers, pivots, scale, isOnePixel: this.pixels === 1 }],
    };
  }

  applied(): NormCode {
    const words = { ...this.words("input", "output", "factor", "term"), residual: this.optional("residual") };
    return { name: "normApplied", of: [this.set, { ...this.maps(), ...words, ...this.activations() }] };
  }

  gradientSums(): NormCode {
    return { name: "normGradientSums", of: [this.set, { ...this.gradientReads(), ...this.words("mean") }] };
  }

  gradientCoefficients(): NormCode {
    const words = {
      ...this.words("mean", "reciprocalDeviation", "pixels", "coefficients"),
      scale: this.optional("scale"),
      scaleGradient: this.optional("scaleGradient"),
      shiftGradient: this.optional("shiftGradient"),
    };
    return { name: "normGradientCoefficients", of: [{ ...this.partials(), ...words }] };
  }

  gradientApplied(): NormCode {
    const words = {
      ...this.words("inputGradient", "coefficients"),
      residualGradient: this.optional("residualGradient"),
    };
    return { name: "normGradientApplied", of: [this.set, { ...this.gradientReads(), ...words }] };
  }

  private gradientReads() {
    const words = { ...this.words("outputGradient", "input"), output: this.optional("output") };
    return { ...this.maps(), ...words, mask: this.activations().inner ? this.words("factor", "term") : null };
  }

  private maps() {
    return { lanes: this.lanes, dtype: this.dtype };
  }

  private partials() {
    const { lanes } = this;
    return { lanes, sums: 2, partialCount: this.number("partialCount"), partials: this.word("partials") };
  }

  private activations(): { inner: boolean; outer: boolean } {
    return { inner: this.number("inner") === RELU, outer: this.number("outerRelu") !== 0 };
  }

  private number(name: string): number {
    return Number(this.operands[name]);
  }

  private word(name: string): number {
    const word = this.names.indexOf(name);
    if (word < 0) throw new Error(`the call has no operand ${name}`);
    return word;
  }

  private words<N extends string>(...names: readonly N[]): Record<N, number> {
    return Object.fromEntries(names.map((name) => [name, this.word(name)])) as Record<N, number>;
  }

  private optional(name: string): number | null {
    const operand = this.operands[name];
    return operand === null || operand === 0 ? null : this.word(name);
  }
}
