import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileFile } from "../../../src/cli/load/load-file.js";
import { checkLeastMemory, checkMemory } from "../../../src/compiler/memory/check-memory.js";
import { compileText } from "../../../src/compiler/compile.js";
import { heapBytesOf, leastHeapBytesOf } from "../../../src/compiler/lower/lower.js";
import { stepsOfRun } from "../../../src/compiler/lower/step-requests.js";
import type { MemoryLimits } from "../../../src/compiler/memory/memory-limits.js";
import { bytesBesideEngine, memoryBound, neededMemory } from "../../../src/compiler/memory/memory-limits.js";
import type { Program } from "../../../src/compiler/program.js";
import { graphOf } from "../../reference/build-program.js";
import { openWasmSession } from "../../../src/runtime/engines/wasm/session.js";

const folder = new URL("../../../configs/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

function programOf(name: string, ...overrides: string[]): Program {
  const { value, diagnostics } = compileText(readFileSync(new URL(name, folder), "utf8"), name, { overrides });
  expect(value, JSON.stringify(diagnostics)).toBeDefined();
  return value!;
}

describe("memoryBound", () => {
  it.each(files)("is never below what is planned for %s, whatever the batch, the threads and the optimizer", (name) => {
    for (const batch of [1, 7, 500]) {
      for (const threads of [1, 16]) {
        const program = programOf(
          name,
          `train.batch_size=${batch}`,
          "train.evaluation.batch_size=16",
          "train.optimizer=adam",
          "train.learning_rate=0.001",
        );
        const planned = heapBytesOf(program, stepsOfRun(program), threads);
        expect(memoryBound(program, threads)).toBeGreaterThan(planned);
      }
    }
  });

  it("is never below what is planned where a filter in many groups becomes a dense one", () => {
    const padding = { top: 2, bottom: 2, left: 2, right: 2 };
    const filter = { kernel: [5, 5], stride: [1, 1], padding, groups: 200 } as const;
    const graph = graphOf(
      [6, 6, 3],
      [
        ["stem", { kind: "conv2d", channels: 600, bias: false, ...filter, groups: 1 }],
        ["threes", { kind: "conv2d", channels: 600, bias: false, ...filter }],
        ["classifier", { kind: "linear", features: 4, bias: true }],
      ],
    );
    const program = { ...programOf("smoke.yaml", "train.batch_size=2"), graph };
    expect(memoryBound(program, 1)).toBeGreaterThan(heapBytesOf(program, stepsOfRun(program), 1));
  });

  it("is never below what is planned for narrow, wide, deep and small networks", () => {
    for (const channels of [1, 3, 256]) {
      for (const size of [4, 33]) {
        const program = programOf(
          "smoke.yaml",
          `model.stem.channels=${channels}`,
          `model.stages=[{channels: ${channels}, blocks: 4}]`,
          `data.dataset.synthetic={height: ${size}, width: ${size}}`,
        );
        expect(memoryBound(program, 4)).toBeGreaterThan(heapBytesOf(program, stepsOfRun(program), 4));
      }
    }
  });
});

describe("checkMemory", () => {
  const program = programOf("smoke.yaml");
  const planned = heapBytesOf(program, stepsOfRun(program), 2);
  const { images } = bytesBesideEngine(program, 2);
  const beside = Object.values(bytesBesideEngine(program, 2)).reduce((sum, bytes) => sum + bytes);
  const limits: MemoryLimits = { threads: 2, addressableBytes: Infinity, machineBytes: Infinity };

  it("has nothing to say where all fits, to the byte", () => {
    expect(checkMemory(program, { ...limits, addressableBytes: planned })).toEqual([]);
    expect(checkMemory(program, { ...limits, machineBytes: planned + beside })).toEqual([]);
  });

  it("names the largest batch that fits into what the machine has", () => {
    const [fault, ...others] = checkMemory(program, { ...limits, machineBytes: planned + beside - images });
    expect(others).toEqual([]);
    expect(fault).toMatchObject({ code: "memory/too-large", path: ["train", "batch_size"] });
    expect(fault!.message).toMatch(/this machine has \S+ GB/);
    const largest = Number(/batch_size: (\d+)/.exec(fault!.hint!)![1]);
    const withBatch = (batch: number) =>
      checkMemory(programOf("smoke.yaml", `train.batch_size=${batch}`), {
        ...limits,
        machineBytes: planned + beside - images,
      });
    expect(withBatch(largest)).toEqual([]);
    expect(withBatch(largest + 1)).toHaveLength(1);
  });

  it("offers the fewest equal parts of the batch that fit, where they do", () => {
    const [fault] = checkMemory(program, { ...limits, machineBytes: planned + beside - images });
    const parts = Number(/accumulate: (\d+)/.exec(fault!.hint!)![1]);
    const withParts = (count: number) =>
      checkMemory(programOf("smoke.yaml", `train.accumulate=${count}`), {
        ...limits,
        machineBytes: planned + beside - images,
      });
    expect(withParts(parts)).toEqual([]);
    const { batch_size: batch } = program.config.train;
    for (let fewer = 2; fewer < parts; fewer++) {
      if (batch % fewer === 0) expect(withParts(fewer)).toHaveLength(1);
    }
  });

  it("offers to compute more maps again where the whole batch then fits, to the byte", () => {
    const wanting = (recompute: boolean) =>
      programOf("resnet-20.yaml", `train.recompute=${recompute}`, "train.evaluation.batch_size=1");
    const [some, more] = [wanting(false), wanting(true)];
    const least = heapBytesOf(more, stepsOfRun(more), 2);
    const hint = (addressableBytes: number) => checkMemory(some, { ...limits, addressableBytes })[0]!.hint!;
    expect(hint(least)).toContain("or `recompute: true`, with which the whole batch fits");
    expect(hint(least - 1)).not.toContain("recompute");
    expect(checkMemory(more, { ...limits, addressableBytes: least })).toEqual([]);
    expect(checkMemory(more, { ...limits, addressableBytes: least - 1 })[0]!.hint).not.toContain("recompute");
  });

  const networks: [name: string, file: string, overrides: string[]][] = [
    ["batches of both kinds", "smoke.yaml", ["train.batch_size=256", "train.evaluation.batch_size=128"]],
    ["large evaluations", "smoke.yaml", ["train.batch_size=16", "train.evaluation.batch_size=128"]],
    ["resized images", "resnet-cifar-96.yaml", ["train.batch_size=64", "train.evaluation.batch_size=128"]],
    [
      "resized images, too many to keep",
      "resnet-cifar-96.yaml",
      ["data.resize=112", "train.evaluation.batch_size=512"],
    ],
  ];
  it.each(networks)("names batches that fit together: %s", (_, file, overrides) => {
    const whole = programOf(file, ...overrides);
    const least = programOf(file, ...overrides, "train.batch_size=1", "train.evaluation.batch_size=1");
    const needed = (of: Program) => neededMemory(of, heapBytesOf(of, stepsOfRun(of), 2), limits);
    for (const share of [0.05, 0.5, 0.95]) {
      for (const limit of ["engine", "all"] as const) {
        const bytes = needed(least)[limit] + share * (needed(whole)[limit] - needed(least)[limit]);
        const within = { ...limits, [limit === "engine" ? "addressableBytes" : "machineBytes"]: bytes };
        const faults = checkMemory(whole, within);
        expect(faults.length).toBeGreaterThan(0);
        const hints = faults.map(({ path, hint }) => `${path!.join(".")}=${/batch_size: (\d+)/.exec(hint!)![1]}`);
        expect(checkMemory(programOf(file, ...overrides, ...hints), within), hints.join()).toEqual([]);
        // Neither leaves the other next to nothing
        const fewest = share > 0.9 ? 8 : 1;
        for (const hint of hints) expect(Number(hint.split("=")[1]), hints.join()).toBeGreaterThanOrEqual(fewest);
      }
    }
  });

  it("counts the steps themselves, which lie behind all that they work on", async () => {
    const deep = programOf("resnet-20.yaml", "train.batch_size=2", "train.evaluation.batch_size=2000");
    const session = await openWasmSession(deep, 2);
    await session.dispose();
    expect(session.heapBytes).toBe(Math.ceil(heapBytesOf(deep, stepsOfRun(deep), 2) / 65536) * 65536);
  });

  it.each(files)("knows a part of what %s surely needs, and most of it", (name) => {
    const program = programOf(name);
    const [least, all] = [leastHeapBytesOf, heapBytesOf].map((of) => of(program, stepsOfRun(program), 2));
    expect(least).toBeLessThanOrEqual(all!);
    expect(least).toBeGreaterThan(0.8 * all!);
  });

  it("says in a hurry only that it does not fit", () => {
    const [fault, ...others] = checkLeastMemory(program, { ...limits, addressableBytes: planned / 4 });
    expect(others).toEqual([]);
    expect(fault).toMatchObject({ code: "memory/too-large", path: ["train", "batch_size"] });
    expect(fault!.hint).toBe("`netc graph` finds the largest batch that fits");
    expect(checkLeastMemory(program, { ...limits, addressableBytes: planned })).toEqual([]);
  });

  it("is asked in a hurry, too, about a network of hundreds of blocks", async () => {
    const path = new URL("resnet-20.yaml", folder).pathname;
    const overrides = ["model.stages=[{channels: 16, blocks: 200}]", "train.batch_size=512"];
    const { diagnostics, program: deep } = await compileFile(path, overrides, {
      engine: "wasm",
      threads: 2,
      isHurried: true,
    });
    expect(deep!.graph.nodes.length).toBeGreaterThan(1200);
    expect(diagnostics.map(({ code }) => code)).toContain("memory/too-large");
  });

  it("says so where not even one image fits", () => {
    const faults = checkMemory(program, { ...limits, addressableBytes: 1000 });
    expect(faults.map(({ hint }) => hint)).toEqual(
      Array.from(faults, () => expect.stringContaining("not even a batch of 1")),
    );
  });
});
