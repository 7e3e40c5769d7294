// Which maps of a step are stored as bfloat16, that every kernel takes its maps as they are, and the memory that it spares.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileText } from "../../../../src/compiler/compile.js";
import type { KernelProvider } from "../../../../src/compiler/lower/kernels/kernel-provider.js";
import { touched } from "../../../../src/compiler/lower/placement/allocate.js";
import { heapBytesOf, placeSteps, plannedChoice } from "../../../../src/compiler/lower/lower.js";
import { stepsOfRun } from "../../../../src/compiler/lower/step-requests.js";
import { suiting } from "../../../../src/compiler/lower/convolutions/convolution-kernels.js";
import { plannedKernels, plannedProvider } from "../../../../src/compiler/lower/convolutions/planned-provider.js";
import type { Dtype } from "../../../../src/compiler/lower/placement/layout.js";
import type { Program } from "../../../../src/compiler/program.js";
import { programOf } from "../../../reference/build-program.js";
import { networks } from "../../../reference/networks.js";

describe("with train.precision: bfloat16", () => {
  it("stores the maps of ResNet-20 and their gradients as bfloat16, all else as float32", () => {
    const dtypes = dtypesOf(inBfloat16(configured("resnet-20")), plannedProvider);
    const names = (wanted: Dtype) => [...dtypes].filter(([, dtype]) => dtype === wanted).map(([name]) => name);
    const maps = names("bfloat16");
    expect(maps).toEqual(expect.arrayContaining(["stem.conv", "stem.norm output", "stages.2.blocks.0.norm2 output"]));
    expect(maps).toEqual(expect.arrayContaining(["stages.1.blocks.0.conv2 input gradient"]));
    expect(maps.some((name) => /mean|deviation|factor|term|partial|packed|library/.test(name))).toBe(false);
    expect(names("float32")).toEqual(expect.arrayContaining(["images", "pooling", "classifier", "logits gradient"]));
  });

  it("plans less than two thirds of float32's memory for it", () => {
    const program = configured("resnet-20");
    const [plain, halved] = [program, inBfloat16(program)].map((one) =>
      heapBytesOf(one, stepsOfRun(one), 2, plannedChoice(one)),
    );
    expect(halved!).toBeLessThan((plain! * 2) / 3);
  });

  it("leaves float32 what no provider can convolve, and all that works on the same maps", () => {
    const plan = (one: (typeof plannedKernels.forward)[number]) => ({
      ...one,
      suits: (sizes: Parameters<typeof one.suits>[0]) => sizes.height !== 16 && one.suits(sizes),
    });
    const kernels = { ...plannedKernels, forward: plannedKernels.forward.map(plan) };
    const picky: KernelProvider = { ...plannedProvider, candidates: (task) => suiting(kernels, task) };
    const program = inBfloat16(configured("resnet-20"));
    const dtypes = dtypesOf(program, picky);
    for (const name of ["stages.1.blocks.0.conv1", "stages.1.blocks.0.norm1 output", "stages.1.blocks.1.conv2"]) {
      expect(dtypes.get(name)).toBe("float32");
    }
    for (const name of ["stages.0.blocks.0.conv1", "stages.2.blocks.1.conv1"]) {
      expect(dtypes.get(name)).toBe("bfloat16");
    }
    expect(mistaken(program, picky)).toEqual([]);
  });

  it("leaves float32 the maps of convolutions in groups, whose dense filters would cost more than half the memory spares", () => {
    const dtypes = dtypesOf(inBfloat16(programOf(networks["convolutions in groups"]!, { batch: 5 })), plannedProvider);
    for (const name of ["depthwise", "fours", "strided", "dilated"]) expect(dtypes.get(name)).toBe("float32");
  });

  it.each(Object.keys(networks))("gives every kernel its maps as it takes them in a network with %s", (name) => {
    expect(mistaken(inBfloat16(programOf(networks[name]!, { batch: 5 })), plannedProvider)).toEqual([]);
  });

  it("stores everything as float32 where there is no provider", () => {
    const dtypes = dtypesOf(inBfloat16(configured("resnet-20")));
    expect(new Set(dtypes.values())).toEqual(new Set(["float32"]));
  });
});

/** Calls that touch a map of bfloat16 without being made for it, or that are made for it and touch none. */
function mistaken(program: Program, provider: KernelProvider): string[] {
  return stepsOf(program, provider).flatMap(({ calls }) =>
    calls.calls.flatMap((call) => {
      const touches = touched(call).some(({ buffer }) => {
        const described = calls.buffers[buffer]!;
        return described.kind === "transient" && described.dtype === "bfloat16";
      });
      const isLibrarys = call.kernel.startsWith("library_");
      return isLibrarys || touches === call.kernel.endsWith("_bfloat16") ? [] : [`${call.kernel} of ${call.node}`];
    }),
  );
}

/** By name, of the training step's buffers. */
function dtypesOf(program: Program, provider?: KernelProvider): Map<string, Dtype> {
  const { calls } = stepsOf(program, provider).find(({ request }) => request.mode === "train")!;
  return new Map(
    calls.buffers.flatMap((buffer) => (buffer.kind === "transient" ? [[buffer.name, buffer.dtype] as const] : [])),
  );
}

function stepsOf(program: Program, provider?: KernelProvider) {
  return placeSteps(program, stepsOfRun(program), 2, { chosen: {}, providers: provider ? [provider] : [] }).selected;
}

function inBfloat16(program: Program): Program {
  const { config } = program;
  return { ...program, config: { ...config, train: { ...config.train, precision: "bfloat16" } } };
}

function configured(name: string): Program {
  const text = readFileSync(new URL(`../../../../configs/${name}.yaml`, import.meta.url), "utf8");
  return compileText(text, `${name}.yaml`).value!;
}
