// Kernels chosen by measurement: once a machine, kept in the cache folder, and as a run recorded them.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { KernelProvider } from "../../../src/compiler/lower/kernels/kernel-provider.js";
import type { ConvolutionPass, ConvolutionTask } from "../../../src/compiler/lower/convolutions/convolution-task.js";
import type { ConvolutionSizes } from "../../../src/compiler/lower/convolutions/convolution-plan.js";
import { candidates, suiting } from "../../../src/compiler/lower/convolutions/convolution-kernels.js";
import { BY_COST } from "../../../src/compiler/lower/kernels/kernel-provider.js";
import { stepOfTask, tasksOf } from "../../../src/compiler/lower/convolutions/convolution-tasks.js";
import { heapBytesOf } from "../../../src/compiler/lower/lower.js";
import { stepsOfRun } from "../../../src/compiler/lower/step-requests.js";
import type { Program } from "../../../src/compiler/program.js";
import { chooseKernels } from "../../../src/runtime/engines/wasm/choose-kernels.js";
import { kernelsThatFit } from "../../../src/runtime/engines/wasm/kernels-that-fit.js";
import { measuredFile } from "../../../src/runtime/engines/wasm/measured-kernels.js";
import { compileText } from "../../../src/compiler/compile.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "netc-kernels-"));
  vi.stubEnv("NETC_CACHE", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

it("leaves the choice to the cost model where nothing is to be measured", async () => {
  expect((await chooseKernels(program(16), 2, "predicted")).chosen).toEqual({});
  // Kernels so small that no choice is worth a measurement
  expect((await chooseKernels(program(1), 2, "measured")).chosen).toEqual({});
});

it("measures what may be the fastest, and finds it again the next time whatever the threads", async () => {
  const { chosen } = await chooseKernels(program(16), 2, "measured", []);
  const tasks = tasksOf(program(16), stepsOfRun(program(16)));
  expect(Object.keys(chosen)).not.toEqual([]);
  for (const [key, name] of Object.entries(chosen)) {
    const suitable = candidates(tasks.get(key)!, { chosen: {}, providers: [] });
    expect(suitable.map((kernel) => kernel.name)).toContain(name);
  }
  // A choice that only the file can know
  const [key] = Object.keys(chosen) as [string];
  const text = await readFile(measuredFile(), "utf8");
  const document = JSON.parse(text) as { kernels: Record<string, string> };
  const entry = Object.keys(document.kernels).find((one) => one.startsWith(`${key},`))!;
  const [first, second] = entry.split(": ")[1]!.split(" or ") as [string, string];
  const other = chosen[key] === first ? second : first;
  await writeFile(measuredFile(), text.replace(`"${entry}": "${chosen[key]}"`, `"${entry}": "${other}"`));
  expect((await chooseKernels(program(16), 1, "measured", [])).chosen).toEqual({ ...chosen, [key]: other });
});

it("names another provider's kernel that needs no measurement, since it would not be taken otherwise", async () => {
  const ownCost = (task: ConvolutionTask): number => candidates(task, { chosen: {}, providers: [] })[0]!.cost(task);
  const kernelsOf = (pass: ConvolutionPass) => [
    {
      name: "far ahead",
      suits: (sizes: ConvolutionSizes) => ownCost({ ...sizes, pass }) > 3e5,
      cost: () => 1.2e5,
      emit: () => undefined,
    },
  ];
  const kernels = {
    forward: kernelsOf("forward"),
    "input gradient": kernelsOf("input gradient"),
    "weight gradient": kernelsOf("weight gradient"),
  };
  const provider: KernelProvider = {
    id: "far",
    name: "far",
    version: "1",
    candidates: (task) => suiting(kernels, task),
  };
  const tasks = [...tasksOf(program(16, 32), stepsOfRun(program(16, 32)))];
  const ahead = tasks.filter(([, task]) => ownCost(task) > 3e5).map(([key]) => key);
  expect(ahead).not.toEqual([]);
  const { chosen } = await chooseKernels(program(16, 32), 2, "measured", [provider]);
  for (const key of ahead) expect(chosen[key]).toBe("far ahead");
});

it("measures anew where the file is broken", async () => {
  await writeFile(measuredFile(), "{");
  expect((await chooseKernels(program(16), 1, "measured", [])).chosen).not.toEqual({});
  expect(JSON.parse(await readFile(measuredFile(), "utf8"))).toHaveProperty("kernels");
});

it("takes a recorded choice as it is, and refuses one whose kernel is missing", async () => {
  const key = [...tasksOf(program(16), stepsOfRun(program(16))).keys()][0]!;
  const recorded = { [key]: "direct" };
  expect((await chooseKernels(program(16), 1, recorded)).chosen).toEqual(recorded);
  await expect(chooseKernels(program(16), 1, { [key]: "another library" })).rejects.toThrow(
    /by the kernel "another library", which is missing here; run where .* x86-64 Linux .* name the library .* `--no-tune` goes on/,
  );
});

it("measures within the memory that training takes, whatever a kernel would need", async () => {
  const wide = program(10, 64, 64);
  const heaps: number[] = [];
  const memory = new Proxy(WebAssembly.Memory, {
    construct(target, [description]: [WebAssembly.MemoryDescriptor]) {
      heaps.push(description.initial * 65536);
      return new target(description);
    },
  });
  const { Memory } = WebAssembly;
  WebAssembly.Memory = memory;
  try {
    expect((await chooseKernels(wide, 2, "measured", [])).chosen).not.toEqual({});
  } finally {
    WebAssembly.Memory = Memory;
  }
  expect(heaps).toHaveLength(1);
  expect(heaps[0]).toBeLessThan(heapBytesOf(wide, stepsOfRun(wide), 2) + 65536);
});

it("takes of hungry kernels as many as there is memory for", () => {
  const wide = program(10, 64, 64);
  const tasks = tasksOf(wide, stepsOfRun(wide));
  const bytesOf = (task: ConvolutionTask, kernel: ReturnType<typeof candidates>[number]): number =>
    stepOfTask(task, kernel, 2).heapBytes;
  const chosen = Object.fromEntries(
    [...tasks].map(([key, task]) => {
      const kernels = candidates(task, BY_COST);
      return [key, kernels.sort((a, b) => bytesOf(task, b) - bytesOf(task, a))[0]!.name];
    }),
  );
  const hungry = { chosen, providers: [] };
  const heapOf = (choice: typeof BY_COST): number => heapBytesOf(wide, stepsOfRun(wide), 2, choice);
  const [least, most] = [heapOf(BY_COST), heapOf(hungry)];
  expect(most).toBeGreaterThan(1.2 * least);
  const within = (addressableBytes: number) =>
    kernelsThatFit(wide, tasks, hungry, BY_COST, { threads: 2, addressableBytes, machineBytes: Infinity });
  expect(within(most)).toEqual(hungry);
  const some = within(most - 1);
  expect(heapOf(some)).toBeLessThan(most);
  expect(Object.keys(some.chosen).length).toBeGreaterThan(0);
  expect(heapOf(within(least))).toBeLessThanOrEqual(least);
});

it("chooses by what the machine has, too, and refuses recorded kernels that need more", async () => {
  const limits = { addressableBytes: Infinity, machineBytes: 1e7 };
  const key = [...tasksOf(program(16), stepsOfRun(program(16))).keys()][0]!;
  await expect(chooseKernels(program(16), 2, { [key]: "direct" }, [], limits)).rejects.toThrow(
    /^with the kernels that the run began with, training needs \S+ GB of memory, and for it, its images and its batches this machine has 0\.01 GB; `--no-tune` goes on/,
  );
  expect(Object.values((await chooseKernels(program(16), 2, "measured", [], limits)).chosen)).toEqual([]);
});

function program(batch: number, side = 16, channels = 16): Program {
  const text = `
name: measured
data: {dataset: {synthetic: {train_images: 16, test_images: 16, height: ${side}, width: ${side}, classes: 4}}}
model: {stem: {channels: ${channels}}, stages: [{channels: ${channels}, blocks: 1}]}
train: {epochs: 1, batch_size: ${batch}, evaluation: {batch_size: ${batch}}, learning_rate: 0.1}
`;
  const { value, diagnostics } = compileText(text, "measured.yaml");
  if (!value) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  return value;
}
