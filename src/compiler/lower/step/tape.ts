// What reverse accumulation writes down: the tensors and nodes of a training graph so far, and the gradient of every value.
import { invariant } from "../../diagnostics/diagnostic.js";
import type { Shape } from "../../network/graph.js";
import type { FusedGraph, FusedNode } from "./fuse.js";
import type {
  NormOperands,
  Tensor,
  TensorId,
  TrainingGraph,
  TrainingNode,
  TrainingOp,
  UpdateGroup,
} from "./training-graph.js";

export class Tape {
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
    private readonly frozenNorms: ReadonlySet<string> = new Set(),
  ) {}

  /** Whether the norm of that name keeps its running statistics. */
  isFrozen(norm: string): boolean {
    return this.frozenNorms.has(norm);
  }

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

  updateGroup(names: readonly string[]): UpdateGroup {
    const parameters = names.map((name) => {
      const id = this.parameters.get(name);
      invariant(id !== undefined, `the network has no parameter ${name}`);
      return id;
    });
    return { parameters, gradients: parameters.map((id) => this.parameterGradients.get(id)!) };
  }

  /** Another gradient of a node's output, one for each use: they add up. */
  addGradient(node: number, gradient: TensorId): void {
    if (!this.needsGradient[node]) return;
    const before = this.gradients[node];
    this.gradients[node] = gradient;
    if (before === undefined) return;
    const { name, shape } = this.graph.nodes[node]!;
    const output = this.activation(`${name} output gradient`, shape);
    this.gradients[node] = output;
    this.push(`${name} output gradient`, {
      kind: "add",
      inputs: { left: before, right: gradient },
      outputs: { output },
    });
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

/** What a node's forward pass leaves for its backward pass. */
interface Saved {
  readonly weight?: TensorId;
  readonly bias?: TensorId | null;
  readonly operands?: NormOperands | null;
  /** Of a norm that keeps its running statistics. */
  readonly frozen?: Pick<NormOperands, "factor" | "term">;
}
