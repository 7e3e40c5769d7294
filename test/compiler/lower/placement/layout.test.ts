import { describe, expect, it } from "vitest";
import type { ShapedGraph } from "../../../../src/compiler/network/graph.js";
import type { StoredTensor } from "../../../../src/compiler/lower/placement/layout.js";
import { imageLanesOf, lanesOf, layoutParameters } from "../../../../src/compiler/lower/placement/layout.js";
import { parameterGroups } from "../../../../src/compiler/training/parameter-groups.js";
import { parametersOf, statisticsOf } from "../../../../src/compiler/network/parameters.js";
import { Heap } from "../../../../src/runtime/engines/wasm/heap.js";
import { symmetric } from "../../../oracle/counter-random.js";
import { programOf } from "../../../reference/build-program.js";
import { networks } from "../../../reference/networks.js";
import { plainGroup } from "../../../support/plain-group.js";

const layoutOf = (graph: ShapedGraph) =>
  layoutParameters(graph, parameterGroups(programOf(graph, { batch: 2 }).config, graph));
const layouts = Object.entries(networks).map(([name, graph]) => [name, graph, layoutOf(graph)] as const);
const floatsOf = ({ blocks, storedRows, storedColumns }: StoredTensor): number => blocks * storedRows * storedColumns;

describe("layoutParameters", () => {
  it("pads channels to whole lanes: 8, and 4 for images", () => {
    expect([1, 8, 9, 300].map(lanesOf)).toEqual([8, 8, 16, 304]);
    expect([1, 3, 4, 5].map(imageLanesOf)).toEqual([4, 4, 4, 8]);
  });

  it.each(layouts)("places every tensor of a network with %s once, without gap or overlap", (_, graph, layout) => {
    const { parameters, statistics, parameterBytes, statisticBytes } = layout;
    for (const [tensors, end] of [
      [parameters, parameterBytes],
      [statistics, statisticBytes],
    ] as const) {
      let address = 0;
      for (const stored of tensors) {
        expect(stored.offset).toBe(address);
        expect(stored.offset % 32).toBe(0); // two vectors of four floats
        address += floatsOf(stored) * 4;
      }
      expect(address).toBe(end);
    }
    const names = (tensors: readonly { name: string }[]) => tensors.map(({ name }) => name).sort();
    expect(names(parameters)).toEqual(names(parametersOf(graph)));
    expect(names(statistics)).toEqual(names(statisticsOf(graph)));
  });

  it("puts group after group, and what is never trained last", () => {
    const graph = networks["a norm without an activation"]!;
    const { config } = programOf(graph, { batch: 2 });
    const stem = { ...config.model.stem, whitening: { images: 1, eps: 0 } };
    const groups = [{ ...plainGroup, roles: ["linear_weight" as const] }];
    const grouped = { ...config, model: { ...config.model, stem }, train: { ...config.train, groups } };
    const whitened = {
      nodes: graph.nodes.map((node) => (node.name === "conv" ? { ...node, name: "stem.conv" } : node)),
    };
    const names = layoutParameters(whitened, parameterGroups(grouped, whitened)).parameters.map(({ name }) => name);
    expect(names).toEqual(["norm.weight", "norm.bias", "classifier.bias", "classifier.weight", "stem.conv.weight"]);
  });

  it("lays a filter out as taps of rows of input channels, and a matrix on a map likewise", () => {
    const { parameters } = layoutOf(networks["one linear layer on a map"]!);
    const described = parameters.map(({ name, blocks, rows, storedRows, columns, storedColumns }) => {
      return `${name}: ${blocks} of ${rows}×${columns} in ${storedRows}×${storedColumns}`;
    });
    expect(described).toEqual([
      "conv.weight: 9 of 2×3 in 4×8", // reads the images
      "conv.bias: 1 of 1×3 in 1×8",
      "classifier.weight: 30 of 3×4 in 8×8", // 6×5 pixels of 3 channels
      "classifier.bias: 1 of 1×4 in 1×8",
    ]);
  });

  it("gives back through the heap what was written, and leaves the padding alone", () => {
    for (const [, , { parameters, parameterBytes }] of layouts) {
      const heap = new Heap(parameterBytes);
      const written = parameters.map(({ blocks, rows, columns }, index) => {
        return new Float32Array(symmetric(1, index, blocks * rows * columns)).map((value) => value || 1);
      });
      parameters.forEach((stored, index) => heap.writeTensor(stored, 0, written[index]!));
      parameters.forEach((stored, index) => expect(heap.readTensor(stored, 0)).toEqual(written[index]));
      const numbers = written.reduce((sum, { length }) => sum + length, 0);
      expect(heap.floats(0, parameterBytes / 4).filter((value) => value !== 0)).toHaveLength(numbers);
    }
  });
});
