// No value may be overwritten while it is still needed. The tests play a call list through: what a call reads must
// still be what was last written to that buffer.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileText } from "../../../../src/compiler/compile.js";
import type { Allocation } from "../../../../src/compiler/lower/placement/allocate.js";
import { allocate } from "../../../../src/compiler/lower/placement/allocate.js";
import { cutIntoParts } from "../../../../src/compiler/lower/placement/cut-into-parts.js";
import type { Buffer, KernelCall, KernelCalls } from "../../../../src/compiler/lower/kernels/kernel-calls.js";
import type { Access } from "../../../../src/compiler/lower/kernels/descriptor.js";
import { kernels } from "../../../../src/compiler/lower/kernels/kernels.js";
import { layoutParameters } from "../../../../src/compiler/lower/placement/layout.js";
import type { StepRequest } from "../../../../src/compiler/lower/step-requests.js";
import { kernelGraphOf, trainingGraphOf } from "../../../../src/compiler/lower/lower.js";
import { selectKernels } from "../../../../src/compiler/lower/kernels/select-kernels.js";
import { parameterGroups } from "../../../../src/compiler/training/parameter-groups.js";
import type { Program } from "../../../../src/compiler/program.js";
import { programOf } from "../../../reference/build-program.js";
import { networks } from "../../../reference/networks.js";

describe("allocate", () => {
  it("overwrites no value that is still needed, whatever the calls", () => {
    fc.assert(
      fc.property(callLists, (calls) => {
        const allocation = allocate(calls);
        expect(spoiled(calls, allocation)).toEqual([]);
        expect(allocation.arenaBytes).toBeGreaterThanOrEqual(allocation.aliveBytes);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it("is seen by these tests where it would overwrite", () => {
    const calls = callsOf(programOf(networks["no norm"]!, { batch: 5 }), { mode: "train", batch: 5, phase: 0 });
    const allocation = allocate(calls);
    const moved = allocation.offsets.map((offset) => (offset > 0 ? offset - 64 : offset));
    expect(spoiled(calls, { ...allocation, offsets: moved })).not.toEqual([]);
  });

  it.each(Object.keys(networks))("overwrites no value that is still needed in a network with %s", (name) => {
    const program = programOf(networks[name]!, { batch: 5 });
    for (const mode of ["train", "evaluate"] as const) {
      const calls = callsOf(program, { mode, batch: 5, phase: 0 });
      expect(spoiled(calls, allocate(calls))).toEqual([]);
    }
  });

  it.for(["resnet-20", "resnet-cifar-96"])(
    "packs %s's steps within 5% of what is alive at once",
    async (name, { annotate }) => {
      const program = configured(name);
      const batch = program.config.train.batch_size;
      for (const mode of ["train", "evaluate"] as const) {
        const calls = callsOf(program, { mode, batch, phase: 0 });
        const allocation = allocate(calls);
        expect(spoiled(calls, allocation)).toEqual([]);
        const [arena, alive] = [allocation.arenaBytes, allocation.aliveBytes].map((bytes) =>
          (bytes / 2 ** 20).toFixed(1),
        );
        await annotate(`${mode} ${batch} images: arena ${arena} MiB, alive at once ${alive} MiB`);
        expect(allocation.arenaBytes / allocation.aliveBytes).toBeLessThan(1.05);
      }
    },
  );

  it("keeps what the next part of a batch reads again, and the logits of the parts before", () => {
    const program = configured("resnet-20");
    const calls = evaluationInParts(program, 100, 30);
    const { first, end, starts } = calls.repeated!;
    expect(starts).toEqual([0, 30, 60, 70]);
    const ofWeights = new Set(["fold_batch_norm", "transform_weights", "transform_weights_strided", "pack_weights"]);
    expect(new Set(calls.calls.slice(0, first).map(({ kernel }) => kernel))).toEqual(ofWeights);
    expect(calls.calls.slice(end).map(({ kernel }) => kernel)).toEqual(["softmax_cross_entropy"]);
    const allocation = allocate(calls);
    expect(spoiled(playedThrough(calls), allocation)).toEqual([]);
    // The test sees what would go wrong without
    const { repeated: _, ...unaware } = calls;
    expect(spoiled(playedThrough(calls), allocate(unaware))).not.toEqual([]);
    expect(allocation.arenaBytes).toBeLessThan(allocate(evaluationInParts(program, 100, 100)).arenaBytes);
  });

  it("lets an output take its input's place where the input ends", () => {
    const calls: KernelCalls = {
      buffers: [transient("x", 640), transient("y", 640)],
      calls: [writing(0), { ...reading(0, 1), inPlace: { input: 0, output: 1, required: false } }, reading(1)],
    };
    expect(allocate(calls)).toEqual({ offsets: [0, 0], arenaBytes: 640, aliveBytes: 640 });
  });

  it("keeps them apart where the input is read again, or where the sizes differ", () => {
    const inPlace = { input: 0, output: 1, required: false };
    const readAgain: KernelCalls = {
      buffers: [transient("x", 640), transient("y", 640)],
      calls: [writing(0), { ...reading(0, 1), inPlace }, reading(1), reading(0)],
    };
    expect(allocate(readAgain)).toMatchObject({ offsets: [0, 640], arenaBytes: 1280 });
    const smaller = {
      ...readAgain,
      buffers: [transient("x", 640), transient("y", 64)],
      calls: readAgain.calls.slice(0, 3),
    };
    expect(allocate(smaller)).toMatchObject({ offsets: [0, 640], arenaBytes: 704 });
  });

  it("refuses to add to a buffer that something else still reads", () => {
    const calls: KernelCalls = {
      buffers: [transient("x", 640), transient("y", 640)],
      calls: [writing(0), { ...reading(0, 1), inPlace: { input: 0, output: 1, required: true } }, reading(0)],
    };
    expect(() => allocate(calls)).toThrow(/adds to a gradient that is not its own/);
  });

  it("reuses the place of what has ended, and gives no place to what no call touches", () => {
    const calls: KernelCalls = {
      buffers: [transient("a", 128), transient("b", 128), transient("c", 100), transient("unused", 64)],
      calls: [writing(0), reading(0, 1), reading(1, 2), reading(2)],
    };
    expect(allocate(calls)).toEqual({ offsets: [0, 128, 0, -1], arenaBytes: 256, aliveBytes: 256 });
  });
});

function callsOf(program: Program, { mode, batch, phase }: StepRequest): KernelCalls {
  const layout = layoutParameters(program.graph, parameterGroups(program.config, program.graph));
  const selection = { batch, threads: 2, layout, readsAverages: false, accumulates: false };
  return selectKernels(trainingGraphOf(program, mode, phase), selection);
}

function evaluationInParts(program: Program, batch: number, imagesAtOnce: number): KernelCalls {
  const layout = layoutParameters(program.graph, parameterGroups(program.config, program.graph));
  const selection = { batch, imagesAtOnce, threads: 2, layout, readsAverages: false, accumulates: false };
  return cutIntoParts(selectKernels(kernelGraphOf(program, "evaluate", 0), selection), imagesAtOnce, batch);
}

/** Every call as often as it is carried out. */
function playedThrough({ buffers, calls, repeated }: KernelCalls): KernelCalls {
  const { first, end, starts } = repeated!;
  const parts = starts.flatMap(() => calls.slice(first, end));
  return { buffers, calls: [...calls.slice(0, first), ...parts, ...calls.slice(end)] };
}

function configured(name: string): Program {
  const text = readFileSync(new URL(`../../../../configs/${name}.yaml`, import.meta.url), "utf8");
  return compileText(text, `${name}.yaml`).value!;
}

/** Reads of a value that something else has overwritten. */
function spoiled({ buffers, calls }: KernelCalls, { offsets }: Allocation): string[] {
  const isWhole = new Set<number>(); // buffers that hold the value last written to them
  const isWritten = new Set<number>();
  const faults: string[] = [];
  const placed = buffers.flatMap((buffer, index) =>
    buffer.kind === "transient" && offsets[index]! >= 0
      ? [{ index, start: offsets[index]!, end: offsets[index]! + buffer.bytes }]
      : [],
  );
  const overwrite = (buffer: number): void => {
    const start = offsets[buffer]!;
    const end = start + (buffers[buffer] as { bytes: number }).bytes;
    for (const other of placed) if (other.start < end && start < other.end) isWhole.delete(other.index);
  };
  const check = (buffer: number, call: KernelCall): void => {
    if (!isWhole.has(buffer)) faults.push(`${call.node}: ${call.kernel} reads ${buffers[buffer]!.name}`);
  };
  for (const call of calls) {
    const accesses: Readonly<Record<string, Access>> = kernels[call.kernel].operands;
    const touched = Object.entries(call.operands).flatMap(([name, operand]) =>
      typeof operand === "object" && operand !== null && buffers[operand.buffer]!.kind === "transient"
        ? [{ buffer: operand.buffer, access: accesses[name]! }]
        : [],
    );
    // A kernel may write before it reads, but where it is known to work in place.
    for (const { buffer, access } of touched) {
      const isInPlace = call.inPlace?.output === buffer && offsets[buffer] === offsets[call.inPlace.input];
      if (access === "scratch" || (access === "write" && !isInPlace)) overwrite(buffer);
    }
    const hasNoTap = call.kernel === "convolve_direct" && call.operands["taps"] === 0; // writes zeros, reads no filter
    const adds = call.operands["accumulate"] !== 0; // what does not writes all, in the part before too
    for (const { buffer, access } of touched) {
      const isUpdated = access === "update" && adds && isWritten.has(buffer);
      if ((access === "read" && !hasNoTap) || isUpdated) check(buffer, call);
    }
    if (call.inPlace?.required) check(call.inPlace.input, call);
    for (const { buffer, access } of touched) {
      if (access !== "write" && access !== "update") continue;
      overwrite(buffer);
      isWhole.add(buffer);
      isWritten.add(buffer);
    }
  }
  return faults;
}

function transient(name: string, bytes: number): Buffer {
  return { kind: "transient", dtype: "float32", name, bytes };
}

const plain = { kernel: "pointwise", node: "test", multiplyAdds: 0 } as const;
const writing = (output: number): KernelCall => ({ ...plain, operands: { output: { buffer: output } } });
const reading = (input: number, output?: number): KernelCall => ({
  ...plain,
  operands: { input: { buffer: input }, ...(output === undefined ? {} : { output: { buffer: output } }) },
});

/** Each call reads up to two of the values so far and writes one more, perhaps over one it ends, perhaps with scratch. */
const callLists = fc
  .array(
    fc.record({
      reads: fc.array(fc.nat(), { maxLength: 2 }),
      bytes: fc.integer({ min: 1, max: 2000 }),
      scratch: fc.option(fc.integer({ min: 1, max: 3000 })),
      place: fc.constantFrom("apart", "allowed", "required"),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((drawn): KernelCalls => {
    const buffers: Buffer[] = [];
    const calls: KernelCall[] = [];
    let readable: number[] = [];
    for (const { reads, bytes, scratch, place } of drawn) {
      const inputs = readable.length === 0 ? [] : reads.map((at) => readable[at % readable.length]!);
      const [first] = inputs;
      const takesOver = first !== undefined && place !== "apart";
      const size = takesOver ? (buffers[first] as { bytes: number }).bytes : bytes;
      const output = buffers.push(transient(`value ${buffers.length}`, size)) - 1;
      const memory = scratch === null ? null : buffers.push(transient(`scratch ${buffers.length}`, scratch)) - 1;
      calls.push({
        kernel: "batch_norm_gradient",
        node: `call ${calls.length}`,
        multiplyAdds: 0,
        operands: {
          input: first === undefined ? null : { buffer: first },
          output: inputs[1] === undefined ? null : { buffer: inputs[1] },
          inputGradient: { buffer: output },
          partials: memory === null ? null : { buffer: memory },
        },
        ...(takesOver ? { inPlace: { input: first, output, required: place === "required" } } : {}),
      });
      if (takesOver && place === "required") readable = readable.filter((buffer) => buffer !== first);
      readable.push(output);
    }
    return { buffers, calls };
  });
