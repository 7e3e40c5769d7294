// Reads operations.json: single operations, forward and backward, as PyTorch computes them in float64; and draws their operands.
import { elements, type Filter, type Graph, type Op, type ShapedGraph } from "../../src/compiler/network/graph.js";
import { invariant } from "../../src/compiler/diagnostics/diagnostic.js";
import { inferShapes } from "../../src/compiler/network/infer-shapes.js";
import { parametersOf } from "../../src/compiler/network/parameters.js";
import type { MixedLabels } from "../../src/runtime/engines/engine.js";
import { streams, symmetric } from "./counter-random.js";
import { readFixture } from "./fixtures.js";

export interface OperationRecord {
  readonly op: Exclude<Op, { kind: "input" } | { kind: "add" }>;
  /** [n, h, w, c], or [n, c] */
  readonly input: readonly number[];
  /** The input is drawn within ±1 times it. */
  readonly spread?: number;
  readonly outputShape: readonly number[];
  readonly output: readonly number[];
  readonly inputGradient: readonly number[];
  /** In the order of `parametersOf`. */
  readonly parameterGradients: readonly (readonly number[])[];
  /** Of batch norm after one step from mean 0 and variance 1; variance is Bessel-corrected. */
  readonly runningMean?: readonly number[];
  readonly runningVariance?: readonly number[];
}

/** Mean cross-entropy of logits [n, classes]. */
export interface CrossEntropyRecord {
  readonly op: {
    readonly kind: "cross_entropy";
    readonly label_smoothing: number;
  };
  readonly input: readonly [count: number, classes: number];
  /** The logits are drawn within ±1 times it. */
  readonly spread?: number;
  readonly labels: readonly number[];
  readonly otherLabels: readonly number[];
  /** Of mixed images: how much of the target falls to `labels`, the rest to `otherLabels`. */
  readonly shares?: readonly number[];
  readonly output: readonly [loss: number];
  readonly inputGradient: readonly number[];
}

export interface OperationCase {
  /** "conv2d 3×3, stride 2, …" */
  readonly title: string;
  readonly record: OperationRecord;
  /** input → operation "op", for one image; a vector comes in as a map of 1×1. */
  readonly graph: ShapedGraph;
  readonly input: Float32Array;
  readonly parameters: readonly {
    readonly shape: readonly number[];
    readonly data: Float32Array;
  }[];
  /** What comes back from above: the gradient of the loss by the output. */
  readonly outputGradient: Float32Array;
}

export interface CrossEntropyCase {
  readonly title: string;
  readonly record: CrossEntropyRecord;
  readonly logits: Float32Array;
  readonly labels: Int32Array;
  readonly mixed?: MixedLabels;
}

export function operationCases(): OperationCase[] {
  return allRecords().flatMap((record, index) => (isCrossEntropy(record) ? [] : [operationCase(record, index)]));
}

export function crossEntropyCases(): CrossEntropyCase[] {
  return allRecords().flatMap((record, index) => {
    if (!isCrossEntropy(record)) return [];
    const [count, classes] = record.input;
    const { spread = 1 } = record;
    const { label_smoothing: smoothing } = record.op;
    const of = `${count}×${classes} logits${record.shares ? " with two labels each" : ""}`;
    const title = `cross_entropy of ${of}, smoothing ${smoothing}, up to ±${spread}`;
    const logits = operand(index, 0, count * classes).map((value) => value * spread);
    const labels = Int32Array.from(record.labels);
    if (!record.shares) return [{ title, record, logits, labels }];
    const mixed = { labels: Int32Array.from(record.otherLabels), shares: Float32Array.from(record.shares) };
    return [{ title, record, logits, labels, mixed }];
  });
}

function operationCase(record: OperationRecord, index: number): OperationCase {
  const [height, width, channels] = record.input.length === 4 ? record.input.slice(1) : [1, 1, record.input[1]];
  const graph: Graph = {
    nodes: [
      {
        name: "input",
        op: { kind: "input", height: height!, width: width!, channels: channels! },
        inputs: [],
        origin: [],
      },
      { name: "op", op: record.op, inputs: [0], origin: [] },
    ],
  };
  const shaped = inferShapes(graph).value;
  invariant(shaped, `case ${index} has a shape`);
  invariant(
    record.output.length === elements(shaped.nodes[1]!.shape) * record.input[0]!,
    `case ${index} has PyTorch's output shape`,
  );
  return {
    title: titleOf(record),
    record,
    graph: shaped,
    input: operand(index, 0, record.inputGradient.length).map((value) => value * (record.spread ?? 1)),
    parameters: parametersOf(shaped).map(({ shape }, at) => ({
      shape,
      data: operand(index, 1 + at, record.parameterGradients[at]!.length),
    })),
    outputGradient: operand(index, 9, record.output.length),
  };
}

function titleOf({ op, input, outputShape }: OperationRecord): string {
  const shapes = `${input.join("×")} to ${outputShape.join("×")}`;
  if (!("kernel" in op)) return `${op.kind}, ${shapes}`;
  const { top, bottom, left, right } = op.padding;
  const bias = op.kind === "conv2d" && op.bias ? ", with bias" : "";
  const { groups, dilation }: Filter = op;
  const filter = (groups ? ` in ${groups} groups` : "") + (dilation ? ` dilated ${dilation.join("×")}` : "");
  return `${op.kind}${filter} ${op.kernel.join("×")}, stride ${op.stride.join("×")}, padding ${top} ${bottom} ${left} ${right}${bias}, ${shapes}`;
}

function operand(seed: number, index: number, count: number): Float32Array {
  return new Float32Array(symmetric(seed, streams.operand + index, count));
}

function allRecords(): readonly (OperationRecord | CrossEntropyRecord)[] {
  return readFixture<{ cases: (OperationRecord | CrossEntropyRecord)[] }>("operations.json", "write_operations.py")
    .cases;
}

function isCrossEntropy(record: OperationRecord | CrossEntropyRecord): record is CrossEntropyRecord {
  return record.op.kind === "cross_entropy";
}
