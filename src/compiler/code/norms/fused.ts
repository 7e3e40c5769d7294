// What a unit of a convolution does for the norms beside it, while its pixels are in the core's caches: it normalises what it reads, and
// sums up what it wrote, for the norm behind it or for the gradient of the norm before it.
import { activationCode } from "../../lower/kernels/kernel-constants.js";
import type { KernelName } from "../../lower/kernels/kernels.js";
import { rowOf } from "../../lower/kernels/kernels.js";
import type { Dtype } from "../../lower/placement/layout.js";
import type { InstructionSet } from "../instruction-set.js";
import type { CallAddresses, NormCode } from "./norm-works.js";

type Call = (code: NormCode, ...operands: readonly number[]) => void;

/** Convolutions over maps that are stored otherwise leave norms to themselves. */
const FUSED_DTYPE: Dtype = "float32";

const RELU = activationCode("relu");

export interface FusedNorm {
  /** So many pixels of the input, from the first one on, in memory of the thread: their address. */
  readonly normalise?: (first: number, pixels: number, call: Call) => number;
  /** The partial sum of a unit, over pixels of what it wrote. */
  readonly sum?: (unit: number, first: number, pixels: number, call: Call) => void;
}

/** What a convolution's call asks for, on one thread. */
export function fusedNorm(
  set: InstructionSet,
  { kernel, operands: of }: { readonly kernel: KernelName; readonly operands: Readonly<Record<string, number>> },
  { operands, at }: CallAddresses,
  thread: number,
): FusedNorm {
  const names = Object.keys(rowOf(kernel).operands);
  const word = (name: string): number => names.indexOf(name);
  const hasRelu = of["inner"] === RELU;
  const mask = { factor: word("factor"), term: word("term") };
  const isBackward = kernel === "library_input_gradient";
  const fused: { -readonly [K in keyof FusedNorm]: FusedNorm[K] } = {};
  if (of["normalised"]) {
    const lanes = of["inLanes"]!;
    const to = at("normalised") + of["normalisedStride"]! * thread;
    const activations = { inner: hasRelu, outer: of["outerRelu"] !== 0 };
    const words = {
      lanes,
      dtype: FUSED_DTYPE,
      input: word("input"),
      output: null,
      residual: null,
      ...mask,
      ...activations,
    };
    fused.normalise = (first, pixels, call) => {
      call({ name: "normApplied", of: [set, words] }, operands, first * lanes * 4, pixels, to);
      return to;
    };
  }
  if (of["sums"]) {
    const lanes = of[isBackward ? "inLanes" : "outLanes"]!;
    const code: NormCode = isBackward
      ? {
          name: "normGradientSums",
          of: [
            set,
            {
              ...{
                lanes,
                dtype: FUSED_DTYPE,
                outputGradient: word("inputGradient"),
                input: word("normInput"),
                mean: word("mean"),
              },
              output: of["normOutput"] ? word("normOutput") : null,
              mask: hasRelu ? mask : null,
            },
          ],
        }
      : {
          name: "normSums",
          of: [set, { lanes, dtype: FUSED_DTYPE, input: word("output"), pivots: word("pivots"), sample: 0 }],
        };
    const bytes = 2 * lanes * 8;
    fused.sum = (unit, first, pixels, call) =>
      call(code, operands, first * lanes * 4, pixels, at("sums") + unit * bytes);
  }
  return fused;
}
