// TrainingGraph of a training step → KernelGraph that keeps fewer maps: the output of a norm with its ReLU is not kept for
// the backward pass but computed again just before its first use there, from the convolution's output, which the norm's
// gradient needs in any case, and from factor and term of each channel: the same bits. One elementwise pass is little beside
// the convolutions around it (Chen et al. 2016, arXiv 1604.06174, section 3, do so with all that is cheap). Where a file asks
// for more, GELU, which is dear, and additions are computed again too: those whose other branch is there, every second block's.
import { activations } from "../../network/activations.js";
import type { KernelGraph, Tensor, TensorId, TrainingGraph, TrainingOpOf } from "./training-graph.js";
import { withInputs } from "./training-graph.js";

type Producer = { readonly name: string; readonly op: TrainingOpOf<"pointwise"> };

export function recompute({ tensors, nodes }: TrainingGraph, more: boolean): KernelGraph {
  const backwardStart = nodes.findIndex(({ op }) => op.kind === "softmax_cross_entropy") + 1;
  const producers = recomputable(nodes.slice(0, backwardStart), more);
  const allTensors: Tensor[] = [...tensors];
  const again = new Map<TensorId, TensorId>();
  const backward: KernelGraph["nodes"][number][] = [];
  /** The map itself where it is kept, else the one that is computed again. */
  const available = (map: TensorId): TensorId => {
    const producer = producers.get(map);
    if (!producer) return map;
    const known = again.get(map);
    if (known !== undefined) return known;
    const { inputs, ...op } = producer.op;
    const residual = inputs.residual === null ? null : available(inputs.residual);
    const output = allTensors.push({ ...tensors[map]!, name: `${tensors[map]!.name} again` }) - 1;
    again.set(map, output);
    const saved = op.outputs.saved;
    const operands = saved && { factor: saved.factor, term: saved.term };
    backward.push({
      name: `${producer.name} again`,
      op: { ...op, kind: "pointwise_again", inputs: { input: inputs.input, residual, operands }, outputs: { output } },
    });
    return output;
  };
  for (const { name, op } of nodes.slice(backwardStart)) {
    const changed = withInputs(op, available); // which may push what it reads
    backward.push({ name, op: changed });
  }
  return { tensors: allTensors, nodes: [...nodes.slice(0, backwardStart), ...backward] };
}

/** Whether to compute the activation again takes longer than to keep its output. */
function isDear({ inner }: TrainingOpOf<"pointwise">): boolean {
  return inner !== null && !activations[inner.kind].isCheap;
}

/** By output, the operations that are done twice. */
function recomputable(forward: TrainingGraph["nodes"], more: boolean): ReadonlyMap<TensorId, Producer> {
  const producers = new Map<TensorId, Producer>();
  for (const { name, op } of forward) {
    if (op.kind !== "pointwise" || (op.norm === null && op.inner === null)) continue; // their input need not be kept
    if (!more && (isDear(op) || op.inputs.residual !== null)) continue;
    const other = op.inputs.residual === null ? undefined : producers.get(op.inputs.residual);
    if (other && other.op.inputs.residual !== null) continue; // a chain of additions, all of them alive at its end
    producers.set(op.outputs.output, { name, op });
  }
  return producers;
}
