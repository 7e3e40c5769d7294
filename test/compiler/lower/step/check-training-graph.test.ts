// What the check of graphs says of sound ones, nothing, and of each way to break one.
import { describe, expect, it } from "vitest";
import {
  afterPass,
  checkDtypes,
  checkTrainingGraph,
} from "../../../../src/compiler/lower/step/check-training-graph.js";
import type { StepMode } from "../../../../src/compiler/lower/step/differentiate.js";
import type { Dtype } from "../../../../src/compiler/lower/placement/layout.js";
import { differentiate } from "../../../../src/compiler/lower/step/differentiate.js";
import { foldBatchNorm } from "../../../../src/compiler/lower/step/fold-batch-norm.js";
import { fuse } from "../../../../src/compiler/lower/step/fuse.js";
import { fuseAdditions } from "../../../../src/compiler/lower/step/fuse-additions.js";
import { recompute } from "../../../../src/compiler/lower/step/recompute.js";
import type { TrainingGraph } from "../../../../src/compiler/lower/step/training-graph.js";
import { withInputs, writesOf } from "../../../../src/compiler/lower/step/training-graph.js";
import type { ShapedGraph } from "../../../../src/compiler/network/graph.js";
import { updateAll } from "../../../reference/build-program.js";
import { networks } from "../../../reference/networks.js";

describe("checkTrainingGraph", () => {
  it.each(Object.keys(networks))("finds nothing after any pass over a network with %s", (name) => {
    const graph = graphOf(networks[name]!, "train");
    const fused = fuseAdditions(graph);
    const all = [graph, fused, recompute(fused, false), recompute(fused, true), graphOf(networks[name]!, "update")];
    const evaluation = graphOf(networks[name]!, "evaluate");
    for (const each of [...all, evaluation, foldBatchNorm(evaluation)]) expect(checkTrainingGraph(each)).toEqual([]);
  });

  const sound = fuseAdditions(graphOf(networks["an identity shortcut"]!, "train"));

  it("finds a read before its write", () => {
    const nodes = sound.nodes.toSpliced(1, 1);
    expect(checkTrainingGraph({ ...sound, nodes })).toContain("stem.norm reads stem.conv before it is written");
  });

  it("finds a second writer", () => {
    const nodes = [...sound.nodes.slice(0, 2), sound.nodes[1]!, ...sound.nodes.slice(2)];
    expect(checkTrainingGraph({ ...sound, nodes })).toContain("stem.conv writes stem.conv, which was there");
  });

  it("finds a node that nothing uses", () => {
    const logits = sound.tensors.findIndex(({ name }) => name === "logits gradient");
    const tensors = [...sound.tensors, { ...sound.tensors[logits]!, name: "spare" }];
    const outputs = { output: tensors.length - 1 };
    const op = { kind: "scale", factor: 1, inputs: { input: logits }, outputs } as const;
    const faults = checkTrainingGraph({ tensors, nodes: [...sound.nodes, { name: "spare", op }] });
    expect(faults).toEqual(["nothing uses what spare writes"]);
  });

  it("finds dimensions that disagree", () => {
    const tensors = sound.tensors.map((tensor) =>
      tensor.name === "stem.conv.weight" && tensor.kind === "parameter" ? { ...tensor, dims: [3, 3, 3, 5] } : tensor,
    );
    expect(checkTrainingGraph({ ...sound, tensors })[0]).toMatch(
      /^stem\.conv: stem\.conv\.weight is 3 × 3 × 3 × 5, where/,
    );
  });

  it("finds a tensor that does not exist", () => {
    const [load, ...others] = sound.nodes;
    const nodes = [load!, ...others.map(({ name, op }) => ({ name, op: withInputs(op, () => 9999) }))];
    expect(checkTrainingGraph({ ...sound, nodes })).toContain("stem.conv names tensor 9999, which does not exist");
  });

  it("finds dtypes that disagree", () => {
    const dtypes = sound.tensors.map((): Dtype => "float32");
    expect(checkDtypes(sound, dtypes)).toEqual([]);
    const narrowed = (id: number) => checkDtypes(sound, dtypes.with(id, "bfloat16"));
    const { op } = sound.nodes.find(({ name }) => name === "stem.norm")!;
    const { name } = sound.tensors[writesOf(op)[0]!]!;
    expect(narrowed(writesOf(op)[0]!)).toContain(`stem.norm: ${name} is bfloat16, where float32 belongs`);
    const weight = sound.tensors.findIndex(({ kind }) => kind === "parameter");
    expect(narrowed(weight)).toEqual([`${sound.tensors[weight]!.name} is a parameter and not float32`]);
  });

  it("runs after each pass in tests, and names the pass", () => {
    const nodes = sound.nodes.toSpliced(1, 1);
    expect(() => afterPass("a pass", { ...sound, nodes }, checkTrainingGraph)).toThrow(
      "a pass left a graph that is none: stem.norm reads",
    );
  });
});

function graphOf(network: ShapedGraph, mode: StepMode): TrainingGraph {
  const graph = fuse(network);
  return differentiate(graph, mode, updateAll(graph));
}
