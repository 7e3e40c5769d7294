// The kernels that can carry out a pass of a convolution, and the choice among them: what was measured on this machine
// where that is known, else what the cost model says. A candidate is a kernel of the WebAssembly module or of another provider
// that works on the same heap.
import { invariant } from "../../diagnostics/diagnostic.js";
import type { KernelChoice, KernelProvider } from "../kernels/kernel-provider.js";
import { BY_COST } from "../kernels/kernel-provider.js";
import type { ConvolutionKernel, ConvolutionKernels, ConvolutionPass, ConvolutionTask } from "./convolution-task.js";
import { taskKey } from "./convolution-task.js";
import { denseSizes, isDense, throughDense } from "./groups/dense.js";
import { directConvolution, directInputGradient } from "./emit-direct.js";
import { groupKernels } from "./groups/emit-groups.js";
import { winogradForward, winogradInputGradients } from "./emit-winograd.js";
import {
  stridedWinogradConvolution,
  stridedWinogradInputGradient,
  stridedWinogradWeightGradient,
} from "./emit-winograd-strided.js";
import {
  weightGradientByChannel,
  weightGradientByFrequency,
  weightGradientByImage,
  weightGradientWinograd,
  winogradF3WeightGradient,
} from "./emit-weight-gradient.js";

const ownKernels: ConvolutionKernels = {
  forward: [...winogradForward, stridedWinogradConvolution, directConvolution, ...groupKernels.forward],
  "input gradient": [
    ...winogradInputGradients,
    stridedWinogradInputGradient,
    directInputGradient,
    ...groupKernels["input gradient"],
  ],
  "weight gradient": [
    weightGradientWinograd,
    weightGradientByFrequency,
    winogradF3WeightGradient,
    stridedWinogradWeightGradient,
    weightGradientByImage,
    weightGradientByChannel,
    ...groupKernels["weight gradient"],
  ],
};

/** Reads and writes float32 alone. */
const webAssembly: Pick<KernelProvider, "candidates"> = {
  candidates: (task) => (task.dtypes ? [] : suiting(ownKernels, task)),
};

export function suiting<P extends ConvolutionPass>(
  kernels: ConvolutionKernels,
  task: ConvolutionTask & { readonly pass: P },
): readonly ConvolutionKernel<P>[] {
  const all: readonly ConvolutionKernel<P>[] = kernels[task.pass];
  return all.filter(({ suits, isGeneral }) => (isGeneral || isDense(task)) && suits(task));
}

/** All that can carry out the task, the cheapest by the cost model first. */
export function candidates<P extends ConvolutionPass>(
  task: ConvolutionTask & { readonly pass: P },
  { providers }: KernelChoice,
): ConvolutionKernel<P>[] {
  return [webAssembly, ...providers]
    .flatMap((provider) => offers(provider, task))
    .sort((a, b) => a.cost(task) - b.cost(task));
}

/** A provider's own kernels for the task, and where that has groups or dilation those for the dense one that it equals. */
function offers<P extends ConvolutionPass>(
  provider: Pick<KernelProvider, "candidates">,
  task: ConvolutionTask & { readonly pass: P },
): readonly ConvolutionKernel<P>[] {
  const own = provider.candidates(task);
  return isDense(task) ? own : [...own, ...provider.candidates(denseSizes(task)).map(throughDense)];
}

export function chooseKernel<P extends ConvolutionPass>(
  task: ConvolutionTask & { readonly pass: P },
  choice: KernelChoice,
): ConvolutionKernel<P> {
  const suitable = candidates(task, choice);
  const name = choice.chosen[taskKey(task)];
  const named = suitable.find((candidate) => candidate.name === name);
  // Others compute only what they were chosen for by name, so that what is not recorded is the same on every machine
  const [kernel] = named ? [named] : task.dtypes ? suitable : candidates(task, BY_COST);
  invariant(kernel, `none of ${choice.providers.length + 1} providers has a kernel for ${taskKey(task)}`);
  return kernel;
}

/**
 * Whether a provider has a kernel that carries out the task whichever of its maps are stored as bfloat16. Not by a dense filter: its
 * zeros would cost more than half the memory saves.
 */
export function takesBfloat16(task: ConvolutionTask, { providers }: KernelChoice): boolean {
  const forms = [
    { input: "bfloat16", output: "bfloat16" },
    { input: "bfloat16", output: "float32" },
    { input: "float32", output: "bfloat16" },
  ] as const;
  return providers.some((provider) => {
    const [first, ...others] = forms.map((dtypes) => provider.candidates({ ...task, dtypes }).map(({ name }) => name));
    return first!.some((name) => others.every((names) => names.includes(name)));
  });
}
