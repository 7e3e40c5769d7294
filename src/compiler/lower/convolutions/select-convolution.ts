// A convolution's three passes → the kernel that was chosen for each.
import type { Filter } from "../../network/graph.js";
import type { ConvolutionOperands, ConvolutionPass, ConvolutionTask } from "./convolution-task.js";
import { chooseKernel } from "./convolution-kernels.js";
import { isDense } from "./groups/dense.js";
import { BY_COST } from "../kernels/kernel-provider.js";
import type { ConvolutionSizes } from "./convolution-plan.js";
import type { KernelSelector } from "./kernel-selector.js";
import { mapSize } from "./kernel-selector.js";
import type { FlatOp, KernelGraph, TensorId } from "../step/training-graph.js";
import { flatten } from "../step/training-graph.js";

export function callConvolution(selector: KernelSelector, op: FlatOp<"conv2d" | "conv2d_inference">): void {
  const epilogue = op.kind === "conv2d" ? { residual: null, relu: false } : op;
  emit(selector, taskRules.conv2d(selector, op), [op.input, op.output], {
    input: selector.operand(op.input),
    channels: selector.shape(op.input).channels,
    weights: selector.operand(op.weight),
    bias: selector.optional(op.bias),
    residual: selector.optional(epilogue.residual),
    relu: epilogue.relu,
    output: selector.operand(op.output),
  });
}

export function callInputGradient(selector: KernelSelector, op: FlatOp<"conv2d_input_gradient">): void {
  emit(selector, taskRules.conv2d_input_gradient(selector, op), [op.inputGradient, op.outputGradient], {
    outputGradient: selector.operand(op.outputGradient),
    weights: selector.operand(op.weight),
    inputGradient: selector.operand(op.inputGradient),
    accumulated: op.accumulate === null ? null : selector.operand(op.accumulate).buffer,
  });
}

export function callWeightGradient(selector: KernelSelector, op: FlatOp<"conv2d_weight_gradient">): void {
  emit(selector, taskRules.conv2d_weight_gradient(selector, op), [op.input, op.outputGradient], {
    input: selector.operand(op.input),
    outputGradient: selector.operand(op.outputGradient),
    weightGradient: selector.operand(op.weightGradient),
  });
}

/** Every convolution of the graph that the selector was made for, pass by pass. */
export function convolutionTasks(selector: KernelSelector): ConvolutionTask[] {
  return selector.graph.nodes.flatMap(({ op }) => convolutionTask(selector, op)?.task ?? []);
}

/** Undefined for other operations; `maps` are the tensors that it reads and writes. */
export function convolutionTask(
  selector: KernelSelector,
  op: KernelGraph["nodes"][number]["op"],
): { readonly task: ConvolutionTask; readonly maps: readonly TensorId[] } | undefined {
  if (op.kind === "conv2d" || op.kind === "conv2d_inference") {
    const { input } = op.inputs;
    return { task: taskRules.conv2d(selector, flatten(op)), maps: [input, op.outputs.output] };
  }
  if (op.kind === "conv2d_input_gradient") {
    const maps = [op.inputs.outputGradient, op.outputs.inputGradient];
    return { task: taskRules.conv2d_input_gradient(selector, flatten(op)), maps };
  }
  if (op.kind === "conv2d_weight_gradient") {
    const maps = [op.inputs.input, op.inputs.outputGradient];
    return { task: taskRules.conv2d_weight_gradient(selector, flatten(op)), maps };
  }
  return undefined;
}

const taskRules = {
  conv2d: (selector: KernelSelector, op: FlatOp<"conv2d" | "conv2d_inference">) => ({
    pass: "forward" as const,
    ...(op.kind === "conv2d_inference" ? { evaluates: true as const } : {}),
    ...sizesOf(selector, op, op.input, op.output),
  }),
  conv2d_input_gradient: (selector: KernelSelector, op: FlatOp<"conv2d_input_gradient">) => ({
    pass: "input gradient" as const,
    ...sizesOf(selector, op, op.inputGradient, op.outputGradient),
  }),
  conv2d_weight_gradient: (selector: KernelSelector, op: FlatOp<"conv2d_weight_gradient">) => ({
    pass: "weight gradient" as const,
    ...sizesOf(selector, op, op.input, op.outputGradient),
  }),
};

function emit<P extends ConvolutionPass>(
  selector: KernelSelector,
  task: ConvolutionTask & { readonly pass: P },
  [input, output]: readonly [TensorId, TensorId],
  operands: ConvolutionOperands[P],
): void {
  const { convolutions = BY_COST, batch } = selector.selection;
  const first = selector.calls.length;
  chooseKernel({ ...task, images: batch }, convolutions).emit(selector, task, operands); // the same however a batch is cut
  const calls = selector.calls.splice(first);
  // Kernels work on whole lanes, some on a filter's zeros; what is counted is the products of channels that there are
  const [inputs, outputs] = [selector.shape(input).channels, selector.shape(output).channels];
  const { images, outHeight, outWidth, kernel, groups, inLanes, outLanes } = task;
  const there = (images * outHeight * outWidth * kernel[0] * kernel[1] * inputs * outputs) / (groups?.count ?? 1);
  const counted = calls.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
  const share = isDense(task) ? (inputs * outputs) / (inLanes * outLanes) : there / counted;
  selector.calls.push(...calls.map((call) => ({ ...call, multiplyAdds: call.multiplyAdds * share })));
}

function sizesOf(selector: KernelSelector, filter: Filter, input: TensorId, output: TensorId): ConvolutionSizes {
  const { kernel, stride, padding, dilation, groups: count } = filter;
  const [inputs, outputs] = [input, output].map((id) => selector.shape(id).channels / (count ?? 1)) as [number, number];
  const [{ height, width }, out] = [mapSize(selector.shape(input)), mapSize(selector.shape(output))];
  const dtypes = { input: selector.dtype(input), output: selector.dtype(output) };
  return {
    ...(dtypes.input === "bfloat16" || dtypes.output === "bfloat16" ? { dtypes } : {}),
    ...(dilation ? { dilation } : {}),
    ...(count === undefined ? {} : { groups: { count, inputs, outputs } }),
    kernel,
    stride,
    padding,
    images: selector.images,
    height,
    width,
    inLanes: selector.lanes(input),
    outHeight: out.height,
    outWidth: out.width,
    outLanes: selector.lanes(output),
  };
}
