// The kernels that can carry out a pass of a convolution, and the choice among them: what was measured on this machine
// where that is known, else what the cost model says. A candidate is a kernel of the WebAssembly module or of a library
// that works on the same heap.
import { invariant } from "../../diagnostics/diagnostic.js";
import type { ConvolutionSizes } from "./convolution-plan.js";
import { directConvolution, directInputGradient } from "./emit-direct.js";
import { winogradConvolution, winogradInputGradient } from "./emit-winograd.js";
import {
  stridedWinogradConvolution,
  stridedWinogradInputGradient,
  stridedWinogradWeightGradient,
} from "./emit-winograd-strided.js";
import {
  winogradThreesConvolution,
  winogradThreesInputGradient,
  winogradThreesWeightGradient,
} from "./emit-winograd-threes.js";
import {
  weightGradientByChannel,
  weightGradientByFrequency,
  weightGradientByImage,
  weightGradientWinograd,
} from "./emit-weight-gradient.js";
import type { BufferId, BufferOperand } from "../kernels/kernel-calls.js";
import type { KernelSelector } from "./kernel-selector.js";

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

/** Operands of a product of maps with a filter in either direction: the output is the input gradient where the filter is turned. */
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
  readonly suits: (sizes: ConvolutionSizes) => boolean;
  /** Nanoseconds on one core, roughly: decides where nothing was measured, and what is worth measuring. */
  readonly cost: (sizes: ConvolutionSizes) => number;
  readonly emit: (selector: KernelSelector, sizes: ConvolutionSizes, operands: ConvolutionOperands[P]) => void;
}

export type ConvolutionKernels = { readonly [P in ConvolutionPass]: readonly ConvolutionKernel<P>[] };

/** Kernels of a native library, and the file that it is loaded from. */
export type ConvolutionLibrary = ConvolutionKernels & { readonly file: string };

/** Which kernels there are beside WebAssembly's own, and which of all of them carries out a task. */
export interface ConvolutionChoice {
  /** Names of kernels by the key of their task; tasks that are absent go by the cost model. */
  readonly chosen: Readonly<Record<string, string>>;
  readonly libraries: readonly ConvolutionLibrary[];
}

export const BY_COST: ConvolutionChoice = { chosen: {}, libraries: [] };

const webAssembly: ConvolutionKernels = {
  forward: [winogradConvolution, winogradThreesConvolution, stridedWinogradConvolution, directConvolution],
  "input gradient": [
    winogradInputGradient,
    winogradThreesInputGradient,
    stridedWinogradInputGradient,
    directInputGradient,
  ],
  "weight gradient": [
    weightGradientWinograd,
    weightGradientByFrequency,
    winogradThreesWeightGradient,
    stridedWinogradWeightGradient,
    weightGradientByImage,
    weightGradientByChannel,
  ],
};

/** All that can carry out the task, the cheapest by the cost model first. */
export function candidates<P extends ConvolutionPass>(
  task: ConvolutionTask & { readonly pass: P },
  { libraries }: ConvolutionChoice,
): ConvolutionKernel<P>[] {
  // WebAssembly's own kernels read and write float32
  const sources: readonly ConvolutionKernels[] = task.storage ? libraries : [webAssembly, ...libraries];
  const all: ConvolutionKernel<P>[] = sources.flatMap((kernels) => kernels[task.pass]);
  return all.filter(({ suits }) => suits(task)).sort((a, b) => a.cost(task) - b.cost(task));
}

export function chooseKernel<P extends ConvolutionPass>(
  task: ConvolutionTask & { readonly pass: P },
  choice: ConvolutionChoice,
): ConvolutionKernel<P> {
  const suitable = candidates(task, choice);
  const name = choice.chosen[taskKey(task)];
  // A library computes only what it was chosen for by name, so that what is not recorded is the same on every machine
  const isOwn = (kernel: ConvolutionKernel<P>): boolean =>
    webAssembly[task.pass].some(({ name }) => name === kernel.name);
  const named = suitable.find((candidate) => candidate.name === name);
  const kernel = named ?? (task.storage ? suitable[0] : suitable.find(isOwn));
  invariant(kernel, `no kernel suits ${taskKey(task)}`);
  return kernel;
}

/** Whether a library can carry out the task whichever of its maps are stored as bfloat16. */
export function takesBfloat16(task: ConvolutionTask, { libraries }: ConvolutionChoice): boolean {
  const forms = [
    { input: "bfloat16", output: "bfloat16" },
    { input: "bfloat16", output: "float32" },
    { input: "float32", output: "bfloat16" },
  ] as const;
  const suiting = ({ suits }: Pick<ConvolutionKernel<"forward">, "suits">) =>
    forms.every((storage) => suits({ ...task, storage }));
  return libraries.some((kernels) => kernels[task.pass].some(suiting));
}

/** "forward 3x3/2 16→32 at 32x32": pass and geometry; not the batch, so that every step of a run has the same kernels. */
export function taskKey(task: ConvolutionTask): string {
  const { pass, evaluates, kernel, stride, padding, height, width, inLanes, outLanes, storage } = task;
  const strides = stride[0] === stride[1] ? stride[0] : stride.join("x");
  const { top, bottom, left, right } = padding;
  const sides = top === bottom && top === left && top === right ? top : [top, bottom, left, right].join(",");
  const stored = storage ? ` ${storage.input}→${storage.output}` : "";
  const purpose = evaluates ? `${pass} of an evaluation` : pass;
  return `${purpose} ${kernel.join("x")}/${strides} pad ${sides} ${inLanes}→${outLanes} at ${height}x${width}${stored}`;
}
