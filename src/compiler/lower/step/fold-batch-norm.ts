// TrainingGraph of an evaluation → KernelGraph: a norm that follows a convolution goes into the convolution's weights and
// bias, for its running statistics stay the same over a whole evaluation; and the convolution's kernel ends with the addition
// and ReLU behind it, so that the map is written once. What is left of the pointwise node (GELU, an addition behind a
// ReLU) stays a node, as does a norm that follows something else.
import type { FoldedWeight, KernelGraph, Tensor, TensorId, TrainingGraph, TrainingOpOf } from "./training-graph.js";
import { usesOf } from "./training-graph.js";

export function foldBatchNorm(graph: TrainingGraph): KernelGraph {
  const tensors: (Tensor | FoldedWeight)[] = [...graph.tensors];
  const add = (tensor: Tensor | FoldedWeight): TensorId => tensors.push(tensor) - 1;
  const uses = usesOf(graph);
  const convolutions = new Map<TensorId, KernelGraph["nodes"][number] & { readonly op: TrainingOpOf<"conv2d"> }>();
  for (const node of graph.nodes) {
    const { op } = node;
    if (op.kind === "conv2d" && uses.get(op.outputs.output) === 1) convolutions.set(op.outputs.output, { ...node, op });
  }
  const nodes = graph.nodes.flatMap((node): KernelGraph["nodes"] => {
    const { name, op } = node;
    if (op.kind !== "pointwise_inference") return [node];
    const convolution = convolutions.get(op.inputs.input);
    if (!convolution) return [node];
    return foldInto(convolution, name, op, graph, add);
  });
  // A convolution with all behind it stands where that stood: only there its residual is known to be there.
  const folded = new Set(graph.nodes.flatMap(({ op }) => (op.kind === "pointwise_inference" ? [op.inputs.input] : [])));
  return {
    tensors,
    nodes: nodes.filter(({ op }) => {
      return op.kind !== "conv2d" || !convolutions.has(op.outputs.output) || !folded.has(op.outputs.output);
    }),
  };
}

function foldInto(
  { name, op: convolution }: { readonly name: string; readonly op: TrainingOpOf<"conv2d"> },
  normName: string,
  op: TrainingOpOf<"pointwise_inference">,
  { tensors }: TrainingGraph,
  add: (tensor: Tensor | FoldedWeight) => TensorId,
): KernelGraph["nodes"] {
  const { inputs, outputs, ...window } = convolution;
  const between = outputs.output;
  const nodes: KernelGraph["nodes"][number][] = [];
  let { weight, bias } = inputs;
  if (op.inputs.operands && op.norm) {
    const { shape } = tensors[between] as Extract<Tensor, { kind: "activation" }>;
    const foldedWeight = add({ kind: "folded", name: `${name} folded weight`, parameter: weight });
    const foldedBias = add({ kind: "channels", name: `${name} folded bias`, channels: shape.channels });
    nodes.push({
      name: normName,
      op: {
        kind: "fold_batch_norm",
        eps: op.norm.eps,
        inputs: { weight, bias, ...op.inputs.operands },
        outputs: { foldedWeight, foldedBias },
      },
    });
    [weight, bias] = [foldedWeight, foldedBias];
  }
  const { residual, relu, rest } = splitPointwise(op);
  const output = rest ? between : op.outputs.output;
  nodes.push({
    name,
    op: {
      ...window,
      kind: "conv2d_inference",
      relu,
      inputs: { input: inputs.input, weight, bias, residual },
      outputs: { output },
    },
  });
  if (rest) nodes.push({ name: normName, op: rest });
  return nodes;
}

/** relu(x + residual) is the kernel's, each part optional; the rest of outer(inner(x) + residual) comes behind it. */
function splitPointwise(op: TrainingOpOf<"pointwise_inference">) {
  const rest = { ...op, norm: null, inputs: { ...op.inputs, operands: null } };
  if (op.inner === null) return { residual: op.inputs.residual, relu: op.outerRelu, rest: null };
  if (op.inner.kind !== "relu") return { residual: null, relu: false, rest };
  return { residual: null, relu: true, rest: op.add ? { ...rest, inner: null } : null };
}
