// TrainingGraph → the same with fewer additions: where a convolution's gradient is added to one that its input already has, the
// convolution adds in place, so that no map passes through memory for the sum alone.
import type { TensorId, TrainingGraph, TrainingNode } from "./training-graph.js";
import { usesOf, withInputs, writesOf } from "./training-graph.js";

export function fuseAdditions({ tensors, nodes }: TrainingGraph): TrainingGraph {
  const uses = usesOf({ tensors, nodes });
  const writtenAt = new Map<TensorId, number>();
  nodes.forEach(({ op }, index) => writesOf(op).forEach((id) => writtenAt.set(id, index)));
  const sums = new Map<TensorId, TensorId>(); // by the addition's output, the tensor that takes its place
  const standing = (id: TensorId): TensorId => sums.get(id) ?? id;
  const fused: (TrainingNode | null)[] = [...nodes];
  nodes.forEach(({ op }, index) => {
    fused[index] = { ...nodes[index]!, op: withInputs(op, standing) };
    if (op.kind !== "add") return;
    const { left, right } = op.inputs;
    const producer = writtenAt.get(right)!;
    const { name, op: convolution } = fused[producer]!;
    const added = standing(left);
    if (convolution.kind !== "conv2d_input_gradient" || convolution.inputs.accumulate !== null) return;
    if (left === right || uses.get(left) !== 1 || uses.get(right) !== 1 || writtenAt.get(left)! >= producer) return;
    fused[producer] = { name, op: { ...convolution, inputs: { ...convolution.inputs, accumulate: added } } };
    fused[index] = null;
    sums.set(op.outputs.output, right);
  });
  return { tensors, nodes: fused.filter((node) => node !== null) };
}
