// FusedGraph → TrainingGraph: the forward pass, then the gradient of the loss by reverse accumulation, one rule an
// operation, then the optimizer's update. With `mode: "evaluate"` only the forward pass with running statistics.
import { invariant } from "../../diagnostics/diagnostic.js";
import type { Shape } from "../../network/graph.js";
import type { FusedGraph, FusedNode, FusedOp } from "./fuse.js";
import type {
  NormOperands,
  Tensor,
  TensorId,
  TrainingGraph,
  TrainingNode,
  TrainingOp,
  UpdateGroup,
} from "./training-graph.js";

/** "update" is what is left of a training step where the gradients of its parts are summed first. */
export type StepMode = "train" | "evaluate" | "update";

/** How the loss of training is computed. */
export interface LossOptions {
  readonly labelSmoothing?: number;
  readonly mixedLabels?: boolean;
}

/** How the parameters are updated from their gradients. */
export interface UpdatePlan {
  /** Those that are trained, by name; the others are frozen and get no gradient. */
  readonly groups: readonly (Pick<UpdateGroup, "rateIndex" | "rule"> & { readonly parameters: readonly string[] })[];
  /** null without an average. */
  readonly average: null | { readonly writesBack: boolean };
  /** The largest norm of the gradients; null where there is no limit. */
  readonly clip: number | null;
  /** Whether "train" ends with its gradients added to sums, and leaves the rest to "update". */
  readonly accumulates: boolean;
}

export function differentiate(
  graph: FusedGraph,
  mode: StepMode,
  updates: UpdatePlan,
  { labelSmoothing = 0, mixedLabels = false }: LossOptions = {},
): TrainingGraph {
  const trained = new Set(updates.groups.flatMap(({ parameters }) => parameters));
  const tape = new Tape(graph, trained);
  graph.nodes.forEach((node, index) => {
    const before = tape.trainedParameters;
    forwardRules[node.op.kind](tape, node as never, index, mode);
    const isTrained = tape.trainedParameters > before;
    tape.needsGradient[index] = isTrained || node.inputs.some((input) => tape.needsGradient[input]);
  });
  const last = graph.nodes.length - 1;
  const logits = tape.outputs[last]!;
  const logitsGradient = mode === "evaluate" ? null : tape.activation("logits gradient", graph.nodes[last]!.shape);
  tape.push("loss", { kind: "softmax_cross_entropy", logits, labelSmoothing, mixedLabels, logitsGradient });
  if (logitsGradient === null) return tape.finish();

  tape.gradients[last] = logitsGradient;
  for (let index = last; index > 0; index--) {
    const node = graph.nodes[index]!;
    if (!tape.needsGradient[index]) continue;
    const outputGradient = tape.gradients[index];
    invariant(outputGradient !== undefined, `${node.name} has no reader`);
    backwardRules[node.op.kind](tape, node as never, index, outputGradient);
  }
  const gradients = tape.allGradients();
  if (updates.accumulates && mode === "train") {
    tape.push("accumulate", { kind: "accumulate", gradients });
    return tape.finish();
  }
  const beginning = mode === "update" ? tape.nodes.length : 0;
  tape.push("gradient norm", { kind: "gradient_norm", gradients, clip: updates.clip });
  tape.push("update", { kind: "update", groups: updates.groups.map((group) => tape.updateGroup(group)) });
  if (updates.average) tape.push("weight average", { kind: "average", ...updates.average });
  const { tensors, nodes } = tape.finish();
  return { tensors, nodes: nodes.slice(beginning) };
}

/** What a node's forward pass leaves for its backward pass. */
interface Saved {
  readonly weight?: TensorId;
  readonly bias?: TensorId | null;
  readonly operands?: NormOperands | null;
}

class Tape {
  readonly tensors: Tensor[] = [];
  readonly nodes: TrainingNode[] = [];
  readonly outputs: TensorId[] = [];
  readonly saved: Saved[] = [];
  readonly gradients: (TensorId | undefined)[] = [];
  /** Parameters so far that are not frozen. */
  trainedParameters = 0;
  /** By node of the graph: whether anything that is trained lies at or before it. */
  readonly needsGradient: boolean[] = [];
  private readonly parameters = new Map<string, TensorId>();
  private readonly parameterGradients = new Map<TensorId, TensorId>();

  constructor(
    readonly graph: FusedGraph,
    private readonly trained: ReadonlySet<string>,
  ) {}

  push(name: string, op: TrainingOp): void {
    this.nodes.push({ name, op });
  }

  add(tensor: Tensor): TensorId {
    this.tensors.push(tensor);
    return this.tensors.length - 1;
  }

  activation(name: string, shape: Shape): TensorId {
    return this.add({ kind: "activation", name, shape });
  }

  parameter(name: string, dims: readonly number[]): TensorId {
    const id = this.add({ kind: "parameter", name, dims });
    this.parameters.set(name, id);
    if (this.trained.has(name)) this.trainedParameters++;
    return id;
  }

  /** Null where the parameter is frozen. */
  gradientOf(parameter: TensorId): TensorId | null {
    const { name } = this.tensors[parameter]!;
    if (!this.trained.has(name)) return null;
    const gradient = this.add({ kind: "gradient", name: `${name} gradient`, parameter });
    this.parameterGradients.set(parameter, gradient);
    return gradient;
  }

  allGradients(): TensorId[] {
    return [...this.parameterGradients.values()];
  }

  updateGroup({ parameters: names, ...group }: UpdatePlan["groups"][number]): UpdateGroup {
    const parameters = names.map((name) => {
      const id = this.parameters.get(name);
      invariant(id !== undefined, `the network has no parameter ${name}`);
      return id;
    });
    return { ...group, parameters, gradients: parameters.map((id) => this.parameterGradients.get(id)!) };
  }

  inputOf(node: FusedNode, which = 0): TensorId {
    return this.outputs[node.inputs[which]!]!;
  }

  inputShape(node: FusedNode): Shape {
    return this.graph.nodes[node.inputs[0]!]!.shape;
  }

  finish(): TrainingGraph {
    return { tensors: this.tensors, nodes: this.nodes };
  }
}

type NodeOf<K extends FusedOp["kind"]> = FusedNode & { readonly op: Extract<FusedOp, { kind: K }> };
type ForwardRules = {
  readonly [K in FusedOp["kind"]]: (tape: Tape, node: NodeOf<K>, index: number, mode: StepMode) => void;
};
type BackwardRules = {
  readonly [K in FusedOp["kind"]]: (tape: Tape, node: NodeOf<K>, index: number, outputGradient: TensorId) => void;
};

const forwardRules: ForwardRules = {
  input(tape, node, index) {
    tape.outputs[index] = tape.activation("images", node.shape);
    tape.push("images", { kind: "load_images", output: tape.outputs[index]! });
  },

  conv2d(tape, node, index) {
    const { op, name, shape } = node;
    const inChannels = tape.inputShape(node).channels;
    const weight = tape.parameter(`${name}.weight`, [...op.kernel, inChannels, op.channels]);
    const bias = op.bias ? tape.parameter(`${name}.bias`, [op.channels]) : null;
    const output = tape.activation(name, shape);
    tape.outputs[index] = output;
    tape.saved[index] = { weight, bias };
    tape.push(name, { kind: "conv2d", ...windowOf(op), input: tape.inputOf(node), weight, bias, output });
  },

  pointwise(tape, node, index, mode) {
    const { op, name, shape } = node;
    const { normName, kind: _, scale: hasScale, ...pointwise } = op;
    const input = tape.inputOf(node);
    const residual = op.add ? tape.inputOf(node, 1) : null;
    const { channels } = shape;
    const norm =
      normName === null
        ? null
        : {
            scale: hasScale ? tape.parameter(`${normName}.weight`, [channels]) : null,
            shift: tape.parameter(`${normName}.bias`, [channels]),
          };
    const running =
      normName === null
        ? null
        : {
            mean: tape.add({ kind: "statistic", name: `${normName}.running_mean`, dims: [channels] }),
            variance: tape.add({ kind: "statistic", name: `${normName}.running_var`, dims: [channels] }),
          };
    const output = tape.activation(`${name} output`, shape);
    tape.outputs[index] = output;
    if (mode === "evaluate") {
      const operands = norm && running ? { ...norm, ...running } : null;
      tape.push(name, { kind: "pointwise_inference", ...pointwise, input, residual, operands, output });
      return;
    }
    const operands = norm && {
      ...norm,
      mean: tape.add({ kind: "channels", name: `${normName} mean`, channels }),
      reciprocalDeviation: tape.add({ kind: "channels", name: `${normName} reciprocal deviation`, channels }),
      factor: tape.add({ kind: "channels", name: `${normName} factor`, channels }),
      term: tape.add({ kind: "channels", name: `${normName} term`, channels }),
    };
    tape.saved[index] = { operands };
    tape.push(name, { kind: "pointwise", ...pointwise, input, residual, operands, running, output });
  },

  subsample(tape, node, index) {
    const output = tape.activation(node.name, node.shape);
    tape.outputs[index] = output;
    tape.push(node.name, { kind: "subsample", stride: node.op.stride, input: tape.inputOf(node), output });
  },

  max_pool: poolForward,
  average_pool: poolForward,

  scale(tape, node, index) {
    const output = tape.activation(node.name, node.shape);
    tape.outputs[index] = output;
    tape.push(node.name, { kind: "scale", input: tape.inputOf(node), factor: node.op.factor, output });
  },
};

function poolForward(tape: Tape, node: NodeOf<"max_pool"> | NodeOf<"average_pool">, index: number): void {
  const output = tape.activation(node.name, node.shape);
  tape.outputs[index] = output;
  tape.push(node.name, { ...windowOf(node.op), kind: node.op.kind, input: tape.inputOf(node), output });
}

const backwardRules: BackwardRules = {
  input() {
    invariant(false, "the images need no gradient");
  },

  conv2d(tape, node, index, outputGradient) {
    const { op, name } = node;
    const { weight, bias } = tape.saved[index]!;
    const window = windowOf(op);
    const input = tape.inputOf(node);
    const biasGradient = bias === undefined || bias === null ? null : tape.gradientOf(bias);
    if (biasGradient !== null) {
      tape.push(`${name} bias gradient`, { kind: "bias_gradient", outputGradient, biasGradient });
    }
    const weightGradient = tape.gradientOf(weight!);
    if (weightGradient !== null) {
      const toWeight: TrainingOp = { kind: "conv2d_weight_gradient", ...window, input, outputGradient, weightGradient };
      tape.push(`${name} weight gradient`, toWeight);
    }
    const source = node.inputs[0]!;
    if (!tape.needsGradient[source]) return; // images, and what is frozen up to here
    const accumulate = tape.gradients[source] ?? null;
    const inputGradient = tape.activation(`${name} input gradient`, tape.inputShape(node));
    tape.gradients[source] = inputGradient;
    const operands = { outputGradient, weight: weight!, accumulate, inputGradient };
    tape.push(`${name} input gradient`, { kind: "conv2d_input_gradient", ...window, ...operands });
  },

  pointwise(tape, node, index, outputGradient) {
    const { op, name, shape } = node;
    const { normName: _, kind: __, scale: ___, ...pointwise } = op;
    const { operands } = tape.saved[index]!;
    const needsInput = op.norm !== null || op.inner !== null;
    const inputGradient = tape.activation(`${name} input gradient`, shape);
    const reachesResidual = op.add && tape.needsGradient[node.inputs[1]!];
    const residualGradient = reachesResidual ? tape.activation(`${name} residual gradient`, shape) : null;
    setGradient(tape, node.inputs[0]!, inputGradient);
    if (residualGradient !== null) setGradient(tape, node.inputs[1]!, residualGradient);
    tape.push(`${name} gradient`, {
      kind: "pointwise_gradient",
      ...pointwise,
      outputGradient,
      input: needsInput ? tape.inputOf(node) : null,
      output: op.outerRelu ? tape.outputs[index]! : null,
      operands: operands ?? null,
      scaleGradient: operands && operands.scale !== null ? tape.gradientOf(operands.scale) : null,
      shiftGradient: operands ? tape.gradientOf(operands.shift) : null,
      inputGradient,
      residualGradient,
    });
  },

  subsample(tape, node, _index, outputGradient) {
    const inputGradient = tape.activation(`${node.name} input gradient`, tape.inputShape(node));
    setGradient(tape, node.inputs[0]!, inputGradient);
    const operands = { outputGradient, inputGradient, stride: node.op.stride };
    tape.push(`${node.name} gradient`, { kind: "subsample_gradient", ...operands });
  },

  max_pool(tape, node, index, outputGradient) {
    const input = tape.inputOf(node);
    const inputGradient = tape.activation(`${node.name} input gradient`, tape.inputShape(node));
    setGradient(tape, node.inputs[0]!, inputGradient);
    const operands = { input, output: tape.outputs[index]!, outputGradient, inputGradient };
    tape.push(`${node.name} gradient`, { kind: "max_pool_gradient", ...windowOf(node.op), ...operands });
  },

  average_pool(tape, node, _index, outputGradient) {
    const inputGradient = tape.activation(`${node.name} input gradient`, tape.inputShape(node));
    setGradient(tape, node.inputs[0]!, inputGradient);
    const operands = { outputGradient, inputGradient };
    tape.push(`${node.name} gradient`, { kind: "average_pool_gradient", ...windowOf(node.op), ...operands });
  },

  scale(tape, node, _index, outputGradient) {
    const inputGradient = tape.activation(`${node.name} input gradient`, tape.inputShape(node));
    setGradient(tape, node.inputs[0]!, inputGradient);
    const operands = { input: outputGradient, factor: node.op.factor, output: inputGradient };
    tape.push(`${node.name} gradient`, { kind: "scale", ...operands });
  },
};

/** In a residual network the gradient that comes second to a value is always a convolution's, which can add. */
function setGradient(tape: Tape, node: number, gradient: TensorId): void {
  invariant(tape.gradients[node] === undefined, `two gradients meet at ${tape.graph.nodes[node]!.name}`);
  tape.gradients[node] = gradient;
}

function windowOf<T extends { kernel: readonly [number, number]; stride: readonly [number, number]; padding: unknown }>(
  op: T,
): Pick<T, "kernel" | "stride" | "padding"> {
  return { kernel: op.kernel, stride: op.stride, padding: op.padding as T["padding"] };
}
