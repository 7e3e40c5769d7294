// A step run operation by operation instead of as one function: slower, and what a compiled function is compared with when
// its numbers are doubted.
import type { Output, TensorflowNode } from "../../../compiler/lower/tensorflow/tensorflow-graph.js";
import { scopeOf } from "../../../compiler/lower/tensorflow/tensorflow-graph.js";
import type { FunctionForm, TensorHandle, TensorflowContext } from "./context.js";

/** `given` in the order of the form's inputs; returns its outputs. */
export function interpret(
  context: TensorflowContext,
  { graph, inputs, outputs }: FunctionForm,
  given: readonly TensorHandle[],
): TensorHandle[] {
  const values = evaluate(context, graph.nodes, { inputs, outputs, given }, () => true);
  return takeOutputs(context, values, outputs);
}

/**
 * The name of the first node, in the order of computation, that yields NaN or infinity; undefined where none does. What
 * comes after the gradients is left out, so that nothing changes.
 */
export function firstNonFiniteNode(
  context: TensorflowContext,
  { graph, inputs }: FunctionForm,
  given: readonly TensorHandle[],
): string | undefined {
  let found: string | undefined;
  const end = graph.nodes.findIndex(({ name }) => AFTER_THE_GRADIENTS.has(scopeOf(name)));
  const values = evaluate(context, graph.nodes.slice(0, end), { inputs, outputs: [], given }, (node, handles) => {
    if (node.op === "Const" || node.op === "ReadVariableOp") return true;
    const isSound = handles.slice(0, READABLE).every((handle) => context.read(handle).every(Number.isFinite));
    if (!isSound) found = node.name;
    return isSound;
  });
  const isGiven = new Set(inputs.map(({ node }) => node));
  for (const [node, handles] of values) if (!isGiven.has(node)) context.free(handles);
  return found;
}

/** Behind a norm's output, mean and variance comes what only its own gradient can read. */
const READABLE = 3;

const AFTER_THE_GRADIENTS = new Set(["accumulate", "gradient norm"].map(scopeOf));

/** Runs the nodes in order until `visit` says no; what is not needed again is freed, but for the outputs. */
function evaluate(
  context: TensorflowContext,
  nodes: readonly TensorflowNode[],
  { inputs, outputs, given }: Pick<FunctionForm, "inputs" | "outputs"> & { readonly given: readonly TensorHandle[] },
  visit: (node: TensorflowNode, values: readonly TensorHandle[]) => boolean,
): Map<TensorflowNode, TensorHandle[]> {
  const values = new Map<TensorflowNode, TensorHandle[]>();
  inputs.forEach(({ node }, index) => values.set(node, [given[index]!]));
  const isGiven = new Set(values.keys());
  const kept = new Set(outputs.map(({ node }) => node));
  const lastUse = lastUses(nodes);
  for (const node of nodes) {
    if (!isGiven.has(node)) {
      const operands = node.inputs.map((input) => valueOf(values, input));
      const results = run(context, node, operands);
      values.set(node, results);
      if (!visit(node, results)) return values;
    }
    for (const done of lastUse.get(node) ?? []) {
      if (isGiven.has(done) || kept.has(done)) continue;
      context.free(values.get(done)!);
      values.delete(done);
    }
  }
  return values;
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
