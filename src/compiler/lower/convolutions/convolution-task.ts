// A pass of a convolution as a task that kernels can carry out, and what such a kernel is.
import type { BufferId, BufferOperand, CallWriter } from "../kernels/kernel-calls.js";
import type { ConvolutionSizes } from "./convolution-plan.js";

/** What each pass reads and writes. */
export interface ConvolutionOperands {
  readonly forward: {
    readonly input: BufferOperand;
    /** Channels of the input; what a kernel reads beyond them is zero. */
    readonly channels: number;
    readonly weights: BufferOperand;
    readonly bias: BufferOperand | null;
    /** Added to the product, and then whether what is below zero becomes zero: what follows in an evaluation. */
    readonly residual: BufferOperand | null;
    readonly relu: boolean;
    readonly output: BufferOperand;
  };
  readonly "input gradient": {
    readonly outputGradient: BufferOperand;
    readonly weights: BufferOperand;
    readonly inputGradient: BufferOperand;
    /** The buffer that `inputGradient` takes over, where the product is added to what is there. */
    readonly accumulated: BufferId | null;
  };
  readonly "weight gradient": {
    readonly input: BufferOperand;
    readonly outputGradient: BufferOperand;
    readonly weightGradient: BufferOperand;
  };
}

/** Operands of a product of maps with a filter in either direction: the output is the input gradient where the filter is flipped. */
export interface ConvolvedOperands extends Omit<ConvolutionOperands["forward"], "channels"> {
  readonly accumulated: BufferId | null;
}

export type ConvolutionPass = keyof ConvolutionOperands;

export interface ConvolutionTask extends ConvolutionSizes {
  readonly pass: ConvolutionPass;
  /** Whether it is a task of an evaluation, which goes over fewer images at a time, in the caches: another kernel may be the fastest there. */
  readonly evaluates?: true;
}

export interface ConvolutionKernel<P extends ConvolutionPass> {
  /** What a choice is recorded by, unique within a pass. */
  readonly name: string;
  /** Whether `suits` knows of groups and dilation: others are asked for dense convolutions only. */
  readonly isGeneral?: true;
  readonly suits: (sizes: ConvolutionSizes) => boolean;
  /** Nanoseconds on one core, roughly: decides where nothing was measured, and what is worth measuring. */
  readonly cost: (sizes: ConvolutionSizes) => number;
  readonly emit: (writer: CallWriter, sizes: ConvolutionSizes, operands: ConvolutionOperands[P]) => void;
}

/** By pass. */
export type ConvolutionKernels = { readonly [P in ConvolutionPass]: readonly ConvolutionKernel<P>[] };

/** "forward 3x3/2 16→32 at 32x32": pass and geometry; not the batch, so that every step of a run has the same kernels. */
export function taskKey(task: ConvolutionTask): string {
  const { pass, evaluates, kernel, stride, padding, height, width, inLanes, outLanes, dtypes, dilation, groups } = task;
  const strides = stride[0] === stride[1] ? stride[0] : stride.join("x");
  const { top, bottom, left, right } = padding;
  const sides = top === bottom && top === left && top === right ? top : [top, bottom, left, right].join(",");
  const stored = dtypes ? ` ${dtypes.input}→${dtypes.output}` : "";
  const spread = dilation ? ` dilated ${dilation.join("x")}` : "";
  const inGroups = groups ? ` in ${groups.count} groups of ${groups.inputs}→${groups.outputs}` : "";
  const purpose = evaluates ? `${pass} of an evaluation` : pass;
  const filter = `${kernel.join("x")}/${strides} pad ${sides}${spread}`;
  return `${purpose} ${filter} ${inLanes}→${outLanes}${inGroups} at ${height}x${width}${stored}`;
}
