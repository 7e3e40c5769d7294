// A training step that computes maps again rather than keep them: what it does twice, and that no bit of it changes.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileText } from "../../../../src/compiler/compile.js";
import type { ShapedGraph } from "../../../../src/compiler/network/graph.js";
import { differentiate } from "../../../../src/compiler/lower/step/differentiate.js";
import { fuse } from "../../../../src/compiler/lower/step/fuse.js";
import { heapBytesOf, kernelGraphOf, trainingGraphOf } from "../../../../src/compiler/lower/lower.js";
import { stepsOfRun } from "../../../../src/compiler/lower/step-requests.js";
import { recompute } from "../../../../src/compiler/lower/step/recompute.js";
import type { KernelGraph, TrainingGraph } from "../../../../src/compiler/lower/step/training-graph.js";
import { programOf, randomBatch, randomState, updateAll } from "../../../reference/build-program.js";
import { networks } from "../../../reference/networks.js";
import { runKernels } from "../../../reference/run-kernels.js";

const BATCH = 3;

describe("recompute", () => {
  const resnet20 = trainingGraphOf(configured("resnet-20"), "train");
  const blocks = [0, 1, 2].flatMap((stage) => [0, 1, 2].map((block) => `stages.${stage}.blocks.${block}`));

  it("does the norms and ReLUs within ResNet-20's blocks twice, and of each the last first", () => {
    expect(doneTwice(recompute(resnet20, false))).toEqual([
      ...blocks.map((block) => `${block}.norm1 again`).reverse(),
      "stem.norm again",
    ]);
  });

  it("does every second addition twice where more is asked for, with the other branch's norm where that is not kept", () => {
    const additions = doneTwice(recompute(resnet20, true)).filter((name) => !/norm1/.test(name));
    expect(additions).toEqual([
      "stages.2.blocks.2.norm2 again",
      "stages.2.blocks.0.projection.norm again",
      "stages.2.blocks.0.norm2 again",
      "stages.1.blocks.2.norm2 again",
      "stages.1.blocks.0.projection.norm again",
      "stages.1.blocks.0.norm2 again",
      "stages.0.blocks.2.norm2 again",
      "stem.norm again",
      "stages.0.blocks.0.norm2 again",
    ]);
  });

  it("computes a map again just before its first reader", () => {
    const { nodes } = recompute(resnet20, false);
    const inBlocks = blocks.map((block) => nodes.findIndex(({ name }) => name === `${block}.norm1 again`));
    expect(inBlocks.map((at) => nodes[at + 1]!.name)).toEqual(blocks.map((block) => `${block}.conv2 weight gradient`));
  });

  it("keeps what GELUs put out, unless more is asked for", () => {
    const cifar94 = trainingGraphOf(configured("cifar-94"), "train");
    expect(doneTwice(recompute(cifar94, false))).toEqual([]);
    expect(doneTwice(recompute(cifar94, true))).toHaveLength(7);
  });

  it("is left out of steps in bfloat16, unless it is asked for", () => {
    const bfloat16 = ["train.precision=bfloat16", "train.recompute=true"];
    const [plain, asked] = [bfloat16.slice(0, 1), bfloat16].map((set) => configured("resnet-20", ...set));
    expect(doneTwice(kernelGraphOf(plain!, "train", 0))).toEqual([]);
    expect(doneTwice(kernelGraphOf(asked!, "train", 0))).toEqual(doneTwice(recompute(resnet20, true)));
    expect(doneTwice(kernelGraphOf(configured("resnet-20"), "train", 0))).toHaveLength(10);
  });

  it.each(["resnet-20", "resnet-cifar", "cifar-94"])("takes less memory for %s where more is asked for", (name) => {
    const [some, more] = ["false", "true"].map((value) => {
      const program = configured(name, `train.recompute=${value}`);
      return heapBytesOf(program, stepsOfRun(program), 2);
    });
    expect(more!).toBeLessThan(0.9 * some!);
  });

  it.each(Object.keys(networks))("trains a network with %s to the same bits", (name) => {
    const shaped = networks[name]!;
    const fused = fuse(shaped);
    const graph = differentiate(fused, "train", updateAll(fused));
    for (const storesBfloat16 of [false, true]) {
      const kept = outcomeOf(graph, shaped, storesBfloat16);
      for (const more of [false, true]) {
        expect(outcomeOf(recompute(graph, more), shaped, storesBfloat16)).toEqual(kept);
      }
    }
  });

  it("is tried on every operation that can be done twice", () => {
    const twice = Object.values(networks).flatMap((shaped) => {
      const fused = fuse(shaped);
      return recompute(differentiate(fused, "train", updateAll(fused)), true).nodes.map(({ op }) => op);
    });
    const again = twice.filter((op) => op.kind === "pointwise_again");
    const shapes = new Set(
      again.map(({ inner, inputs: { operands, residual } }) => {
        return [operands && "norm", inner?.kind, residual !== null && "addition"].filter(Boolean).join(", ");
      }),
    );
    const activated = ["", ", gelu", ", relu"].map((activation) => `norm${activation}`);
    expect(shapes).toEqual(new Set([...activated, "gelu", "norm, addition", "norm, relu, addition", "relu, addition"]));
  });
});

function doneTwice({ nodes }: KernelGraph): string[] {
  return nodes.flatMap(({ name, op }) => (op.kind === "pointwise_again" ? [name] : []));
}

/** All parameters, statistics and gradients behind one step. */
function outcomeOf(graph: KernelGraph, shaped: ShapedGraph, storesBfloat16: boolean): Map<string, Float64Array> {
  const { images, labels } = randomBatch(programOf(shaped, { batch: BATCH }), BATCH, 5);
  const state = randomState(shaped, 3);
  const isState = ({ kind }: TrainingGraph["tensors"][number]) => kind === "parameter" || kind === "statistic";
  const tensors = graph.tensors as TrainingGraph["tensors"];
  const values = new Map(tensors.flatMap((tensor, id) => (isState(tensor) ? [[id, state.get(tensor.name)!]] : [])));
  const { channels } = shaped.nodes[0]!.shape;
  const pixelValues = Float32Array.from({ length: 256 * channels }, (_, at) => (at % 256) / 128 - 1);
  const hyper = [{ rates: [0.1], step: 1 }];
  const outcome = runKernels({ graph, batch: BATCH, values, images, labels, pixelValues, hyper, storesBfloat16 });
  expect(outcome.strays()).toEqual([]);
  return new Map(
    tensors.flatMap((tensor, id): [string, Float64Array][] =>
      isState(tensor) || tensor.kind === "gradient" ? [[tensor.name, outcome.read(id)]] : [],
    ),
  );
}

function configured(name: string, ...set: string[]) {
  const url = new URL(`../../../../configs/${name}.yaml`, import.meta.url);
  const { value, diagnostics } = compileText(readFileSync(url, "utf8"), name, { overrides: set });
  expect(value, JSON.stringify(diagnostics)).toBeDefined();
  return value!;
}
