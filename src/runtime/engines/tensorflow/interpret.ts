// A step run operation by operation instead of as one function: slower, and what a compiled function is compared with when
// its numbers are doubted.
import type { Output, TensorflowNode } from "../../../compiler/lower/tensorflow/tensorflow-graph.js";
import type { FunctionForm, TensorHandle, TensorflowContext } from "./context.js";

/** `given` in the order of the form's inputs; returns its outputs. */
export function interpret(
  context: TensorflowContext,
  { graph, inputs, outputs }: FunctionForm,
  given: readonly TensorHandle[],
): TensorHandle[] {
  const values = new Map<TensorflowNode, TensorHandle[]>();
  inputs.forEach(({ node }, index) => values.set(node, [given[index]!]));
  const isGiven = new Set(values.keys());
  const kept = new Set(outputs.map(({ node }) => node));
  const lastUse = lastUses(graph.nodes);
  for (const node of graph.nodes) {
    if (!isGiven.has(node)) {
      const operands = node.inputs.map((input) => valueOf(values, input));
      values.set(node, run(context, node, operands));
    }
    for (const done of lastUse.get(node) ?? []) {
      if (isGiven.has(done) || kept.has(done)) continue;
      context.free(values.get(done)!);
      values.delete(done);
    }
  }
  return takeOutputs(context, values, outputs);
}

function run(context: TensorflowContext, node: TensorflowNode, inputs: readonly TensorHandle[]): TensorHandle[] {
  const { value } = node.attributes;
  if (node.op === "Const" && value && "tensor" in value) {
    const { type, shape, data } = value.tensor;
    return [context.tensor(type, shape, data)];
  }
  return context.execute(node.op, inputs, node.attributes, node.outputs);
}

function valueOf(values: ReadonlyMap<TensorflowNode, readonly TensorHandle[]>, { node, index }: Output): TensorHandle {
  return values.get(node)![index]!;
}

/** After which node each is needed no more. */
function lastUses(nodes: readonly TensorflowNode[]): Map<TensorflowNode, TensorflowNode[]> {
  const last = new Map<TensorflowNode, TensorflowNode>();
  for (const node of nodes) {
    last.set(node, node);
    for (const { node: source } of node.inputs) last.set(source, node);
  }
  const ending = new Map<TensorflowNode, TensorflowNode[]>();
  for (const [source, user] of last) ending.set(user, [...(ending.get(user) ?? []), source]);
  return ending;
}

/** Frees what the nodes of the outputs yielded beside them. */
function takeOutputs(
  context: TensorflowContext,
  values: ReadonlyMap<TensorflowNode, readonly TensorHandle[]>,
  outputs: readonly Output[],
): TensorHandle[] {
  const taken = outputs.map((output) => valueOf(values, output));
  const wanted = new Set(taken);
  for (const node of new Set(outputs.map((output) => output.node))) {
    context.free(values.get(node)!.filter((handle) => !wanted.has(handle)));
  }
  return taken;
}
