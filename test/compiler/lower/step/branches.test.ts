// Values that are read more than once: their gradients add up whatever reads them, held to PyTorch by way of the reference in
// float64, and on the kernels in float32 to the same.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkTrainingGraph } from "../../../../src/compiler/lower/step/check-training-graph.js";
import { differentiate } from "../../../../src/compiler/lower/step/differentiate.js";
import { fuse } from "../../../../src/compiler/lower/step/fuse.js";
import { fuseAdditions } from "../../../../src/compiler/lower/step/fuse-additions.js";
import { recompute } from "../../../../src/compiler/lower/step/recompute.js";
import type { KernelGraph, TrainingGraph } from "../../../../src/compiler/lower/step/training-graph.js";
import type { Op } from "../../../../src/compiler/network/graph.js";
import { streams, symmetric } from "../../../oracle/counter-random.js";
import type { Layer } from "../../../reference/build-program.js";
import { graphOf, square, updateAll } from "../../../reference/build-program.js";
import { execute, sizeOf } from "../../../reference/interpret.js";
import { runKernels } from "../../../reference/run-kernels.js";

const [COUNT, SEED] = [3, 31]; // as in test/oracle/write_branches.py
const conv: Op = { kind: "conv2d", channels: 4, bias: false, ...square(3, 1, 1) };
const averages: Op = { kind: "average_pool", ...square(3, 1, 1) };
const add: Op = { kind: "add" };
const head: readonly Layer[] = [
  ["pooling", { kind: "global_average_pool" }],
  ["classifier", { kind: "linear", features: 4, bias: true }],
];
const networks: Readonly<Record<string, readonly Layer[]>> = {
  "a map read by three branches": [
    ["stem", conv],
    ["relu", { kind: "relu" }],
    ["branch", conv, ["relu"]],
    ["average", averages, ["relu"]],
    ["sum", add, ["branch", "average"]],
    ["all", add, ["sum", "relu"]],
    ...head,
  ],
  "a sum of four": [
    ["stem", conv],
    ["gelu", { kind: "gelu" }],
    ["first", conv, ["gelu"]],
    ["largest", { kind: "max_pool", ...square(3, 1, 1) }, ["gelu"]],
    ["two", add, ["first", "largest"]],
    ["average", averages, ["gelu"]],
    ["three", add, ["two", "average"]],
    ["second", conv, ["gelu"]],
    ["four", add, ["three", "second"]],
    ...head,
  ],
  "a gate that multiplies what it was computed from": [
    ["stem", { ...conv, channels: 12 }],
    ["relu", { kind: "relu" }],
    ["mean", { kind: "global_average_pool" }],
    ["squeeze", { kind: "linear", features: 3, bias: true }],
    ["squeezed", { kind: "relu" }],
    ["excite", { kind: "linear", features: 12, bias: true }],
    ["gate", { kind: "sigmoid" }],
    ["gated", { kind: "multiply" }, ["relu", "gate"]],
    ["sum", add, ["gated", "relu"]],
    ...head,
  ],
  "channels that are cut, shuffled, multiplied and put together again": [
    ["stem", { ...conv, channels: 12 }],
    ["silu", { kind: "silu" }],
    ["left", { kind: "slice", from: 0, channels: 5 }, ["silu"]],
    ["right", { kind: "slice", from: 3, channels: 9 }, ["silu"]],
    ["branch", { ...conv, channels: 5 }, ["right"]],
    ["product", { kind: "multiply" }, ["left", "branch"]],
    ["square", { kind: "multiply" }, ["product", "product"]],
    ["whole", { kind: "concatenate" }, ["square", "right", "left", "product"]],
    ["shuffled", { kind: "shuffle", groups: 4 }],
    ...head,
  ],
  "a map added to itself": [["stem", conv], ["twice", add, ["stem", "stem"]], ["relu", { kind: "relu" }], ...head],
};
type Recorded = { readonly loss: number; readonly gradients: Readonly<Record<string, readonly number[]>> };
const records = JSON.parse(readFileSync(new URL("../../../oracle/branches.json", import.meta.url), "utf8")) as Readonly<
  Record<string, Recorded>
>;

describe.each(Object.keys(networks))("the gradients of %s", (name) => {
  const graph = trainingGraph(networks[name]!);
  const fused = fuseAdditions(graph);
  const record = records[name]!;

  it("are PyTorch's in float64, with additions apart and fused", () => {
    for (const one of [graph, fused]) {
      expect(checkTrainingGraph(one)).toEqual([]);
      const machine = execute(one, { count: COUNT, images: images(), labels: labels(), values: valuesOf(one) });
      expect(Math.abs(machine.loss / record.loss - 1)).toBeLessThan(1e-8); // records have 9 digits
      expect(worst(one, record, (id) => machine.read(id))).toBeLessThan(2e-8);
    }
  });

  it("are the same on the kernels, in their inputs' places too, and where maps are computed again", () => {
    for (const one of [graph, fused, recompute(fused, true)]) {
      expect(checkTrainingGraph(one)).toEqual([]);
      const nodes = one.nodes.filter(({ op }) => op.kind !== "load_images" && op.kind !== "update");
      const values = valuesOf(one).set(0, images());
      for (const inPlace of [false, true]) {
        const part = { ...one, nodes };
        const outcome = runKernels({ graph: part, batch: COUNT, values, labels: Int32Array.from(labels()), inPlace });
        expect(outcome.strays()).toEqual([]);
        expect(worst(one, record, (id) => outcome.read(id))).toBeLessThan(2e-6); // float32 sums of some hundred products
      }
    }
  });
});

it("leaves additions only where no convolution can add", () => {
  const additions = ({ nodes }: TrainingGraph): number => nodes.filter(({ op }) => op.kind === "add").length;
  const counts = Object.values(networks).map((layers) => {
    const graph = trainingGraph(layers);
    return [additions(graph), additions(fuseAdditions(graph))];
  });
  expect(counts).toEqual([
    [2, 1],
    [3, 2],
    [2, 2],
    [5, 4],
    [1, 1],
  ]);
});

function trainingGraph(layers: readonly Layer[]): TrainingGraph {
  const graph = fuse(graphOf([6, 5, 3], layers));
  return differentiate(graph, "train", updateAll(graph));
}

function images(): Float64Array {
  return symmetric(SEED, streams.operand, COUNT * 6 * 5 * 3);
}

function labels(): number[] {
  return Array.from({ length: COUNT }, (_, image) => image % 4);
}

function valuesOf({ tensors }: KernelGraph): Map<number, Float64Array> {
  const graph = { tensors, nodes: [] } as unknown as TrainingGraph;
  const ids = tensors.flatMap(({ kind }, id) => (kind === "parameter" ? [id] : []));
  return new Map(
    ids.map((id, at) => [
      id,
      symmetric(SEED, streams.parameter + at, sizeOf(graph, id, COUNT)).map((value) => value / 2),
    ]),
  );
}

/** Largest distance of a gradient from the record, of the largest in the record. */
function worst({ tensors }: KernelGraph, { gradients }: Recorded, read: (id: number) => Float64Array): number {
  const largest = Math.max(...Object.values(gradients).flat().map(Math.abs));
  const distances = tensors.flatMap((tensor, id) => {
    if (tensor.kind !== "gradient") return [];
    const found = read(id);
    return gradients[tensors[tensor.parameter]!.name]!.map((value, at) => Math.abs(value - found[at]!));
  });
  return Math.max(...distances) / largest;
}
