// TrainingGraph of a training step → KernelGraph that keeps fewer maps: what a norm with its ReLU puts out is not kept for
// the backward pass but computed again just before its first reader there, from the convolution's output, which the norm's
// gradient needs in any case, and from factor and term of each channel: the same bits. One elementwise pass is little beside
// the convolutions around it (Chen et al. 2016, arXiv 1604.06174, section 3, do so with all that is cheap). Where a file asks
// for more, GELU, which is dear, and additions are computed again too: those whose other branch is there, every second block's.
import type {
  KernelGraph,
  KernelOp,
  Tensor,
  TensorId,
  TrainingGraph,
  TrainingOp,
  TrainingOpOf,
} from "./training-graph.js";

type Producer = { readonly name: string; readonly op: TrainingOpOf<"pointwise"> };

export function recompute({ tensors, nodes }: TrainingGraph, more: boolean): KernelGraph {
  const loss = nodes.findIndex(({ op }) => op.kind === "softmax_cross_entropy");
  const producers = recomputable(nodes.slice(0, loss), more);
  const allTensors: Tensor[] = [...tensors];
  const again = new Map<TensorId, TensorId>();
  const backward: { readonly name: string; readonly op: KernelOp }[] = [];
  /** The map itself where it is kept, else the one that is computed again. */
  const available = (map: TensorId): TensorId => {
    const producer = producers.get(map);
    if (!producer) return map;
    const known = again.get(map);
    if (known !== undefined) return known;
    const { running: _, ...op } = producer.op;
    const residual = op.residual === null ? null : available(op.residual);
    const output = allTensors.push({ ...tensors[map]!, name: `${tensors[map]!.name} again` }) - 1;
    again.set(map, output);
    backward.push({ name: `${producer.name} again`, op: { ...op, kind: "pointwise_again", residual, output } });
    return output;
  };
  for (const { name, op } of nodes.slice(loss)) {
    const changed = withMaps(op, available); // which may push what it reads
    backward.push({ name, op: changed });
  }
  return { tensors: allTensors, nodes: [...nodes.slice(0, loss), ...backward] };
}

/** By output, the operations that are done twice. */
function recomputable(forward: TrainingGraph["nodes"], more: boolean): ReadonlyMap<TensorId, Producer> {
  const producers = new Map<TensorId, Producer>();
  for (const { name, op } of forward) {
    if (op.kind !== "pointwise" || (op.norm === null && op.inner === null)) continue; // their input need not be kept
    if (!more && (op.inner === "gelu" || op.residual !== null)) continue;
    const other = op.residual === null ? undefined : producers.get(op.residual);
    if (other && other.op.residual !== null) continue; // a chain of additions, all of them alive at its end
    producers.set(op.output, { name, op });
  }
  return producers;
}

/** The operation with other maps of the forward pass in the place of those that it reads. */
function withMaps(op: TrainingOp, replace: (map: TensorId) => TensorId): TrainingOp {
  switch (op.kind) {
    case "conv2d_weight_gradient":
      return { ...op, input: replace(op.input) };
    case "max_pool_gradient":
      return { ...op, input: replace(op.input), output: replace(op.output) };
    case "pointwise_gradient": {
      const maps = { input: op.input && replace(op.input), output: op.output && replace(op.output) };
      return { ...op, ...maps };
    }
    default:
      return op;
  }
}
