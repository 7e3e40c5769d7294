import { describe, expect, it } from "vitest";
import { cost } from "../../../../src/compiler/network/cost.js";
import type { StepCall } from "../../../../src/compiler/lower/placement/emit-step.js";
import { emitStep, tableBytes } from "../../../../src/compiler/lower/placement/emit-step.js";
import type { KernelCalls } from "../../../../src/compiler/lower/kernels/kernel-calls.js";
import type { PersistentName } from "../../../../src/compiler/lower/convolutions/kernel-selector.js";
import type { KernelName } from "../../../../src/compiler/lower/kernels/kernels.js";
import { kernels } from "../../../../src/compiler/lower/kernels/kernels.js";
import { lower } from "../../../../src/compiler/lower/lower.js";
import { stepsOfRun } from "../../../../src/compiler/lower/step-requests.js";
import { printStep } from "../../../../src/compiler/lower/placement/print-step.js";
import { encodeStep } from "../../../../src/runtime/engines/wasm/heap.js";
import { graphOf, programOf, square } from "../../../reference/build-program.js";
import { networks } from "../../../reference/networks.js";

const programs = Object.entries(networks).map(([name, graph]) => [name, programOf(graph, { batch: 5 })] as const);

describe("emitStep", () => {
  it.each(programs)("makes plain data of a network with %s: program and steps survive JSON", (_, program) => {
    const lowered = lower(program, stepsOfRun(program), 2);
    expect(JSON.parse(JSON.stringify(lowered))).toEqual(lowered);
    const copied = JSON.parse(JSON.stringify(program));
    expect(copied).toEqual(program);
    expect(lower(copied, stepsOfRun(copied), 2)).toEqual(lowered);
  });

  it.each(programs)("gives every call of a network with %s an operand for each of its kernel's", (_, program) => {
    const { steps, heapBytes } = lower(program, stepsOfRun(program), 2);
    for (const { step } of steps) {
      for (const { kernel, operands, node } of step.calls) {
        const accesses = Object.entries(kernels[kernel].operands);
        expect([node, operands.length]).toEqual([node, accesses.length]);
        accesses.forEach(([name, access], index) => {
          const value = operands[index]!;
          expect(Number.isFinite(value), `${node} ${name}`).toBe(true);
          if (access === "float") return;
          expect(Number.isInteger(value), `${node} ${name}`).toBe(true);
          if (access !== "integer") expect(value % 4 === 0 && value < heapBytes, `${node} ${name}`).toBe(true);
        });
      }
    }
  });

  it("keeps tables, regions and arena apart, and all within the heap", () => {
    for (const [, program] of programs) {
      const { steps, addresses, layout, heapBytes } = lower(program, stepsOfRun(program), 2);
      const extents: [start: number, end: number][] = steps.flatMap(({ step }) =>
        step.tables.map(({ address, values }): [number, number] => [address, address + values.length * 4]),
      );
      extents.push([addresses.parameters, addresses.parameters + layout.parameterBytes]);
      extents.push([addresses.gradients, addresses.gradients + layout.parameterBytes]);
      extents.push([addresses.statistics, addresses.statistics + layout.statisticBytes]);
      const arena = heapBytes - Math.max(...steps.map(({ step }) => step.arenaBytes));
      extents.push([arena, heapBytes]);
      extents.splice(0, extents.length, ...extents.filter(([start, end]) => start < end));
      extents.sort((one, other) => one[0] - other[0]);
      for (let at = 1; at < extents.length; at++) expect(extents[at]![0]).toBeGreaterThanOrEqual(extents[at - 1]![1]);
    }
  });

  it("refuses a call that lacks an operand", () => {
    const calls: KernelCalls = {
      buffers: [],
      calls: [{ kernel: "pointwise", node: "test", operands: { input: null }, multiplyAdds: 0 }],
    };
    const persistent = {} as Record<PersistentName, number>;
    const placement = { persistent, tables: 0, arena: 0 };
    expect(tableBytes(calls)).toBe(0);
    expect(() => emitStep(1, calls, { offsets: [], arenaBytes: 0, aliveBytes: 0 }, placement)).toThrow(
      /lacks an operand/,
    );
  });

  it.each(programs)(
    "accounts for the multiply-adds of a network with %s as its cost does, whatever the lanes",
    (_, program) => {
      const { nodes, multiplyAdds } = cost(program.graph);
      const { steps } = lower(program, stepsOfRun(program), 1);
      for (const { mode, batch, step } of steps) {
        const of = (suffix: string): number =>
          sum(step.calls.filter(({ node }) => (suffix ? node.endsWith(suffix) : !node.endsWith(" gradient"))));
        expect(of("")).toBeCloseTo(batch * multiplyAdds, 6);
        if (mode !== "train") continue;
        expect(of(" weight gradient")).toBeCloseTo(batch * multiplyAdds, 6);
        const ofImages = nodes.find((node) => node.multiplyAdds > 0)!.multiplyAdds; // images have no gradient
        expect(of(" input gradient")).toBeCloseTo(batch * (multiplyAdds - ofImages), 6);
      }
    },
  );

  it("writes a call as its kernel, its length and its operands", () => {
    const names = Object.keys(kernels) as KernelName[];
    const call = { kernel: "pointwise", node: "test", operands: [4096, 0, 8192, 10, 8, 1], multiplyAdds: 0 } as const;
    const step = { batch: 1, calls: [call], tables: [], arenaBytes: 0, aliveBytes: 0 };
    const end = 0xffffffff;
    expect([...encodeStep(step)]).toEqual([names.indexOf("pointwise"), 32, 4096, 0, 8192, 10, 8, 1, end]);
  });
});

describe("printStep", () => {
  it("shows each call with its node, operands and addresses", () => {
    const graph = graphOf(
      [2, 2, 3],
      [
        ["conv", { kind: "conv2d", channels: 8, bias: false, ...square(1) }],
        ["relu", { kind: "relu" }],
        ["classifier", { kind: "linear", features: 4, bias: true }],
      ],
    );
    const program = programOf(graph, { batch: 2 });
    const [evaluation] = lower(program, [{ mode: "evaluate", batch: 2, phase: 0 }], 1).steps;
    expect(printStep(evaluation!.step)).toMatchInlineSnapshot(`
      "step for 2 images: 6 kernel calls, arena 0.0 MiB
      0  load_images  # images
           images=<0x40000 values=<0x42000 output=>0x46000 pixels=8 channels=3 lanes=4
      1  pack_weights  # conv
           weights=<0x43000 packed=>0x46080 tapOffsets=<0x45000 taps=1 depth=3 depthStride=8 columns=8 columnStride=1
      2  convolve_direct  # conv
           input=<0x46000 packed=<0x46080 bias=- residual=- output=<>0x46400 relu=1 offsets=<0x45040 tiles=4 taps=1 depth=3 columnTiles=1 groups=1 inputGroupBytes=128 outputGroupBytes=256 groupsAtOnce=1 accumulate=0
      3  pack_weights  # classifier
           weights=<0x43080 packed=>0x46000 tapOffsets=<0x450c0 taps=4 depth=8 depthStride=8 columns=8 columnStride=1
      4  convolve_direct  # classifier
           input=<0x46400 packed=<0x46000 bias=<0x43480 residual=- output=<>0x46500 relu=0 offsets=<0x45100 tiles=1 taps=4 depth=8 columnTiles=1 groups=1 inputGroupBytes=256 outputGroupBytes=64 groupsAtOnce=1 accumulate=0
      5  softmax_cross_entropy  # loss
           logits=<0x46500 labels=<0x41000 otherLabels=- labelShares=- logitsGradient=- losses=~0x46000 images=2 classes=4 lanes=8 labelSmoothing=0
      "
    `);
  });
});

function sum(calls: readonly StepCall[]): number {
  return calls.reduce((total, { multiplyAdds }) => total + multiplyAdds, 0);
}
