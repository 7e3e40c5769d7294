// The engine "webgpu" on the packages that NETC_WEBGPU names. Without a GPU the adapter is a software renderer, which takes
// seconds a step: a few steps of small networks, for correctness.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findWebgpu, loadWebgpu } from "../../../src/runtime/engines/webgpu/load-webgpu.js";
import { webgpuEngine } from "../../../src/runtime/engines/webgpu/engine.js";
import { netc } from "../../support/netc.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { batchOf, initialState, lossRecord } from "../../oracle/fixtures.js";
import { MEGABYTE, describeAgreement, oracleNamed } from "./agreement.js";

// Other sums in another order; mediump-like rounding is allowed to a GPU where float32 has denormals
// In its first steps a driver in software is still compiling; were all maps of each left behind, they would be 360 MB
describeAgreement(webgpuEngine, { tolerance: 1e-3, steps: { beside: 5, memory: 9 }, mayGrow: 120 * MEGABYTE });

describe("engine webgpu", () => {
  it("loses as PyTorch recorded, and counts the same images as correct", async () => {
    const oracle = oracleNamed("residual-adamw");
    const record = lossRecord(oracle.name);
    const session = await webgpuEngine.open(oracle.program, {});
    await session.writeState(initialState(oracle));
    for (let step = 0; step < 3; step++) {
      const hyper = { learningRate: oracle.learningRate, step: step + 1 };
      const { loss, correct } = await session.step(batchOf(oracle, step), hyper);
      expect(Math.abs(loss / record.losses[step]! - 1)).toBeLessThan(1e-3);
      expect(correct).toBe(record.correct[step]);
    }
    await session.dispose();
  });

  it("holds as many tensors after a step as before, and none once its session is closed", async () => {
    const { tf } = await loadWebgpu(findWebgpu()!);
    const oracle = oracleNamed("no-norm-adam");
    const before = tf.core.memory().numTensors;
    const session = await webgpuEngine.open(oracle.program, {});
    await session.writeState(initialState(oracle));
    const held = tf.core.memory().numTensors;
    await session.step(batchOf(oracle, 0), { learningRate: 0.01, step: 1 });
    expect(tf.core.memory().numTensors).toBe(held);
    await session.dispose();
    expect(tf.core.memory().numTensors).toBe(before);
  });
});

describe("netc run --engine webgpu", () => {
  const small = ["--set", "data.dataset.synthetic.train_images=16", "--set", "data.dataset.synthetic.test_images=16"];
  const run = async (environment: Readonly<Record<string, string>>) => {
    const args = ["run", "configs/smoke.yaml", "--engine", "webgpu", ...small, "--set", "train.batch_size=8"];
    return netc([...args, "--max-steps", "2", "--out", join(await temporaryFolder(), "run")], { environment });
  };

  it("trains and ends with exit code 0", async () => {
    const { exitCode, output } = await run({});
    expect(exitCode).toBe(0);
    expect(output).toMatch(/engine +webgpu tfjs 4\.\d+\.\d+ on Dawn \d/);
  });

  it("says what is missing where there is no adapter, and where the packages are not there", async () => {
    const blind = await run({ VK_DRIVER_FILES: "/nowhere/at/all.json" });
    expect(blind.exitCode).toBe(1);
    expect(blind.errors).toContain("error: engine webgpu is not available: WebGPU finds no adapter on this machine");
    const bare = await run({ NETC_WEBGPU: "/nowhere/at/all" });
    expect(bare.errors).toBe(
      "error: engine webgpu is not available: webgpu is not installed; run `netc engine add webgpu --yes`\n",
    );
  });
});
