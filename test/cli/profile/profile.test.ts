import { mkdir, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { bytesOf, usesOfInput } from "../../../src/compiler/lower/kernels/kernel-bytes.js";
import type { MeasuredCall } from "../../../src/cli/profile/profile-step.js";
import { measuredCalls, profileStep } from "../../../src/cli/profile/profile-step.js";
import { traceJson } from "../../../src/cli/profile/profile-trace.js";
import type { KernelProvider } from "../../../src/compiler/lower/kernels/kernel-provider.js";
import type { StepCall } from "../../../src/compiler/lower/placement/emit-step.js";
import type { KernelName } from "../../../src/compiler/lower/kernels/kernels.js";
import { kernelNames, kernels } from "../../../src/compiler/lower/kernels/kernels.js";
import { instructionSet, SET_NAMES } from "../../../src/runtime/engines/wasm/code/provider.js";
import { measureMachinePeak } from "../../../src/runtime/engines/wasm/peak/machine-peak.js";
import { netc } from "../../support/netc.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const smoke = fileURLToPath(new URL("../../../configs/smoke.yaml", import.meta.url));

/** A call whose operands are 0 but those named. */
function callOf(
  kernel: KernelName,
  node: string,
  named: Readonly<Record<string, number>> = {},
  multiplyAdds = 0,
): StepCall {
  return {
    kernel,
    node,
    operands: Object.keys(kernels[kernel].operands).map((name) => named[name] ?? 0),
    multiplyAdds,
  };
}

describe("bytesOf", () => {
  it("knows what every kernel must move", () => {
    expect(kernelNames.filter((kernel) => !(bytesOf(callOf(kernel, "x")) >= 0))).toEqual([]);
  });

  it("counts each map once and leaves absent operands out", () => {
    const maps = { input: 4096, output: 8192, pixels: 100, lanes: 8 };
    expect(bytesOf(callOf("batch_norm", "norm", maps))).toBe(2 * 100 * 8 * 4);
    expect(bytesOf(callOf("batch_norm", "norm", { ...maps, residual: 64 }))).toBe(3 * 100 * 8 * 4);
  });

  it("counts what is updated in both directions", () => {
    const regions = { parameters: 64, gradients: 128, momenta: 192, count: 10 };
    expect(bytesOf(callOf("update_sgd", "update", regions))).toBe((2 + 1 + 2) * 10 * 4);
    const product = { input: 64, transformed: 128, output: 192, images: 1, height: 4, width: 4, depth: 8, columns: 8 };
    const [once, twice] = [0, 1].map((accumulate) =>
      bytesOf(callOf("convolve_winograd", "c", { ...product, accumulate })),
    );
    expect(twice! - once!).toBe(4 * 4 * 8 * 4);
  });

  it("reads a quarter of the map where a window of one pixel moves by two", () => {
    // 8×8 pixels of 8 channels in, 4×4 pixels out: four tiles of four pixels
    const operands = { input: 64, packed: 128, output: 192, tiles: 4, taps: 1, depth: 8, columnTiles: 1, groups: 1 };
    const bytes = bytesOf(callOf("convolve_direct", "projection", { ...operands, inputGroupBytes: 8 * 8 * 8 * 4 }));
    expect(bytes).toBe((16 * 8 + 8 * 8 + 16 * 8) * 4);
  });
});

describe("usesOfInput", () => {
  it("shares what the classes of a strided input gradient read among those that read it", () => {
    const ofClass = (node: string, input: number, taps: number, offsets = 0) =>
      callOf("convolve_direct", node, { input, taps, offsets });
    const name = "projection input gradient";
    const calls = [
      ...[ofClass(name, 64, 4, 7), ofClass(name, 64, 2, 8), ofClass(name, 64, 0, 9), ofClass(name, 128, 2, 7)],
      // The parts of a batch, one after the other at one place
      ...[ofClass(name, 64, 4, 7), ofClass(name, 64, 2, 8), ofClass("stem", 64, 9), ofClass("stem", 64, 9)],
      callOf("update_sgd", "update"),
    ];
    expect(usesOfInput(calls)).toEqual([2, 2, 1, 1, 2, 2, 1, 1, 1]);
    const whole = { input: 64, packed: 128, output: 192, tiles: 4, taps: 4, depth: 8, columnTiles: 1, groups: 1 };
    const call = callOf("convolve_direct", name, { ...whole, inputGroupBytes: 4096 });
    expect(bytesOf(call) - bytesOf(call, 2)).toBe(1024); // 16 pixels read four taps of 8 channels, not all of the map
  });
});

describe("profileStep", () => {
  const peak = { flopsPerSecond: 100e9, bytesPerSecond: 20e9, instructions: "AVX2" };
  const calls = [
    callOf("transform_weights", "stem.conv"),
    callOf("convolve_winograd", "stem.conv", {}, 1e6),
    callOf("batch_norm", "stem.norm", { input: 64, output: 64, pixels: 1000, lanes: 8 }),
    callOf("batch_norm_gradient", "stem.norm gradient", { inputGradient: 64, pixels: 1000, lanes: 8 }),
    callOf("bias_gradient", "classifier bias gradient"),
    callOf("weight_gradient_by_image", "classifier weight gradient", {}, 1000),
    callOf("convolve_direct", "classifier input gradient", {}, 1000),
    callOf("average_pool_gradient", "pooling gradient"),
    callOf("update_sgd", "update"),
  ];
  const times = [1, 3, 2, 1, 1, 1, 1, 1, 1];

  it("takes the median of each call's times", () => {
    const steps = [times, times.map((time) => time * 10), times.map((time) => time * 2)].map((step) =>
      Float64Array.from(step),
    );
    expect(measuredCalls(calls, steps).map(({ milliseconds }) => milliseconds)).toEqual(times.map((time) => time * 2));
  });

  it("names who carries out a call, where that is not WebAssembly", () => {
    const providers = ["idle", "code"].map((name): KernelProvider => {
      return { id: name, name, version: "1", methods: ["winograd", "direct"], candidates: () => [] };
    });
    const provided = { provider: 1, units: [1] };
    const made = [
      { ...callOf("library_convolution", "stem", { method: 1 }), provided },
      { ...callOf("library_weight_gradient", "stem"), provided },
      { ...callOf("batch_norm", "norm"), provided },
      callOf("convolve_winograd_library", "wide", { provider: 1 }),
      callOf("convolve_direct", "narrow"),
    ];
    expect(measuredCalls(made, [new Float64Array(5)], providers).map(({ kernel }) => kernel)).toEqual([
      "direct (code)",
      "winograd weight gradient (code)",
      "batch_norm (code)",
      "convolve_winograd_library (products: code)",
      "convolve_direct",
    ]);
  });

  const profile = profileStep(measuredCalls(calls, [Float64Array.from(times)]), peak);

  it("shares the whole step out to kernels, to passes and to layers", () => {
    expect(profile.milliseconds).toBe(12);
    for (const totals of [profile.kernels, profile.passes, profile.layers]) {
      expect(totals.reduce((sum, { milliseconds }) => sum + milliseconds, 0)).toBe(12);
      expect(totals.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    }
  });

  it("puts every call in its layer and pass", () => {
    expect(profile.passes.map(({ pass, milliseconds }) => [pass, milliseconds])).toEqual([
      ["forward", 4],
      ["input gradient", 2],
      ["weight gradient", 2],
      ["norm", 2],
      ["norm gradient", 1],
      ["update", 1],
    ]);
    expect(profile.layers[0]).toMatchObject({
      layer: "stem.conv",
      pass: "forward",
      calls: 2,
      kernels: ["transform_weights", "convolve_winograd"],
    });
  });

  it("holds products against the multiply-add peak and the rest against the copy peak", () => {
    const of = (kernel: string) => profile.kernels.find((total) => total.kernel === kernel)!;
    expect(of("convolve_winograd").gigaflopsPerSecond).toBeCloseTo(2e6 / 3e-3 / 1e9, 9);
    expect(of("convolve_winograd").shareOfPeak).toBeCloseTo(2e6 / 3e-3 / 100e9, 9);
    expect(of("batch_norm").gigaflopsPerSecond).toBeNull();
    expect(of("batch_norm").shareOfPeak).toBeCloseTo(64_000 / 2e-3 / 20e9, 9);
  });
});

describe("traceJson", () => {
  it("lays the calls end to end on one lane", () => {
    const call = (layer: string, milliseconds: number): MeasuredCall => {
      return { kernel: "batch_norm", layer, pass: "norm", milliseconds, multiplyAdds: 0, bytes: 8 };
    };
    const { traceEvents } = JSON.parse(traceJson([call("a", 2), call("b", 1)], "tiny")) as {
      traceEvents: { ph: string }[];
    };
    expect(traceEvents.filter(({ ph }) => ph === "X")).toMatchObject([
      { name: "batch_norm", cat: "norm", ts: 0, dur: 2000, pid: 1, tid: 0, args: { layer: "a", bytes: 8 } },
      { ts: 2000, dur: 1000, args: { layer: "b" } },
    ]);
  });
});

describe("measureMachinePeak", () => {
  it("finds what the threads can do together", async () => {
    const peak = await measureMachinePeak(2, { rounds: 20_000, copiedBytes: 2 ** 20, repetitions: 2 });
    // No machine that runs Node is slower than the lower or faster than the upper bounds
    expect(peak.flopsPerSecond).toBeGreaterThan(1e7);
    expect(peak.flopsPerSecond).toBeLessThan(1e13);
    expect(peak.bytesPerSecond).toBeGreaterThan(1e7);
    expect(peak.bytesPerSecond).toBeLessThan(1e13);
    const found = await instructionSet();
    expect(peak.instructions).toBe("set" in found ? SET_NAMES[found.set] : "WebAssembly");
  });
});

describe("netc profile", () => {
  const small = ["profile", smoke, "--set", "train.batch_size=8", "--steps", "2"];

  it("prints kernels, passes and layers in plain lines", async () => {
    const { exitCode, output, errors } = await netc([...small, "--threads", "1"]);
    expect(errors).toBe("");
    expect(exitCode).toBe(0);
    // oxlint-disable-next-line no-control-regex
    expect(output).not.toMatch(/[\u001b\r]/);
    expect(output).toMatch(/^smoke, 8 images a step, 1 thread, medians of 2 steps on random images$/m);
    expect(output).toMatch(/^convolve_winograd +\d+ +\d+\.\d\d +\d+\.\d% +\d+\.\d +\d+\.\d +(?:\d+%|\d+\.\d×) FMA$/m);
    expect(output).toMatch(/^norm gradient +\d+ +\d+\.\d\d +\d+\.\d% +- +\d+\.\d +(?:\d+%|\d+\.\d×) copy$/m);
    expect(output).toMatch(/^stages\.1\.blocks\.0\.conv1 +weight gradient +\d/m);
  });

  it("times an evaluation, whose norms are in its convolutions", async () => {
    const { exitCode, output, errors } = await netc([...small, "--threads", "1", "--evaluate"]);
    expect(errors).toBe("");
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^smoke, \d+ images an evaluation, 1 thread, medians of 2 evaluations on random images$/m);
    expect(output).toMatch(/^\d+\.\d ms an evaluation, \d+ images\/s without data$/m);
    expect(output).toMatch(/^fold_batch_norm +\d+ /m);
    expect(output).toMatch(/^stages\.1\.blocks\.0\.conv1 +forward +\d/m);
    expect(output).not.toMatch(/gradient|update/);
  });

  it("gives the same as data, and the step as a trace whose parts add up", async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "traces"));
    const { exitCode, output } = await netc([...small, "--format", "json", "--trace", "traces/step.json"], { folder });
    expect(exitCode).toBe(0);
    const document = JSON.parse(output) as {
      milliseconds: number;
      steps: number[];
      kernels: { milliseconds: number }[];
    };
    expect(document).toMatchObject({ name: "smoke", batchSize: 8 });
    expect(document.steps).toHaveLength(2);
    const { traceEvents } = JSON.parse(await readFile(join(folder, "traces", "step.json"), "utf8")) as {
      traceEvents: { dur?: number }[];
    };
    const traced = traceEvents.reduce((sum, { dur = 0 }) => sum + dur, 0);
    expect(traced / 1000).toBeCloseTo(document.milliseconds, 6);
    expect(await readdir(join(folder, "traces"))).toEqual(["step.json"]);
  });

  it("says in a sentence where the trace cannot be written", async () => {
    const { exitCode, errors } = await netc([...small, "--trace", join(smoke, "step.json")]);
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/^error: .*step\.json cannot be written: .* is not a folder\n$/);
  });
});
