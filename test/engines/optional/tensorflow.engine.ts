// The engine "tensorflow" on the library that NETC_TENSORFLOW names: the suite that every engine passes, what it shares with
// wasm, and what is its own.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileText } from "../../../src/compiler/compile.js";
import { learningRateAt } from "../../../src/compiler/training/plan.js";
import type { Program } from "../../../src/compiler/program.js";
import { createLoader } from "../../../src/runtime/data/loader.js";
import { generateSynthetic } from "../../../src/runtime/data/synthetic.js";
import { hasBfloat16Instructions } from "../../../src/runtime/engines/tensorflow/require-bfloat16.js";
import { emitTensorflow } from "../../../src/compiler/lower/tensorflow/emit-tensorflow.js";
import { Emission } from "../../../src/compiler/lower/tensorflow/emission.js";
import { stepRules } from "../../../src/compiler/lower/tensorflow/step-rules.js";
import { trainingGraphOf } from "../../../src/compiler/lower/lower.js";
import { functionConfig } from "../../../src/runtime/engines/tensorflow/config-proto.js";
import { openContext } from "../../../src/runtime/engines/tensorflow/context.js";
import { tensorflowEngine } from "../../../src/runtime/engines/tensorflow/engine.js";
import { findTensorflow } from "../../../src/runtime/engines/tensorflow/find-library.js";
import { loadTensorflow } from "../../../src/runtime/engines/tensorflow/library.js";
import { openTensorflowSession, type TensorflowSession } from "../../../src/runtime/engines/tensorflow/session.js";
import { normalizeImages } from "../../../src/runtime/engines/tfjs/normalize-images.js";
import { batchOf, initialState } from "../../oracle/fixtures.js";
import { describeConformance } from "../conformance.js";
import { describeAgreement, oracleNamed } from "./agreement.js";

describeConformance(tensorflowEngine, {
  speed: "fast",
  open: { threads: 2 },
  held: (session) => (session as TensorflowSession).held,
});

describeAgreement(tensorflowEngine, { open: { threads: 2 }, tolerance: 1e-4 });

async function context() {
  const search = findTensorflow();
  if ("missing" in search) throw new Error(search.missing);
  return openContext(await loadTensorflow(search.library), { threads: 2, device: { kind: "cpu" } });
}

describe("engine tensorflow", () => {
  it("says its version and where the library is", async () => {
    const availability = await tensorflowEngine.probe();
    expect(availability).toMatchObject({ available: true });
    expect(availability.available && availability.version).toMatch(/^TensorFlow 2\.\d+\.\d+$/);
  });

  it.each([
    ["resnet-20", 5],
    ["residual-adamw", 1],
    ["odd-windows", 1],
  ] as const)(
    "computes the same bits of %s as one function and operation by operation, but for convolutions with a bias",
    async (name, steps) => {
      const oracle = oracleNamed(name);
      const sessions = [
        await openTensorflowSession(oracle.program, await context()),
        await openTensorflowSession(oracle.program, await context(), { interprets: true }),
      ];
      for (const session of sessions) {
        await session.writeState(initialState(oracle));
        for (let step = 0; step < steps; step++) {
          await session.step(batchOf(oracle, step), { learningRate: 0.01, step: step + 1 });
        }
      }
      const [compiled, interpreted] = await Promise.all(sessions.map((session) => session.readState()));
      for (const [name, { data }] of compiled!) {
        const other = interpreted!.get(name)!.data;
        const convolution = /^.*conv\d*(?=\.)/.exec(name)?.[0];
        if (convolution === undefined || !compiled!.has(`${convolution}.bias`)) {
          expect([name, data]).toEqual([name, other]);
          continue;
        }
        // In a function oneDNN computes the gradients of filter and bias in one kernel, which adds in another order
        const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
        const distance = data.reduce((most, value, at) => Math.max(most, Math.abs(value - other[at]!)), 0);
        expect([name, distance / largest < 1e-5]).toEqual([name, true]);
      }
      for (const session of sessions) await session.dispose();
    },
  );

  it("gives every pixel value the bits that PyTorch gives it", async () => {
    const { program } = oracleNamed("resnet-20");
    const tensorflow = await context();
    const emission = new Emission({
      source: trainingGraphOf(program, "evaluate"),
      data: program.config.data,
      seed: 0,
      train: program.config.train,
      batch: 1,
      storage: "arguments",
      imageShape: [1, 256, 1, 3],
      hasLabels: false,
      nameOf: (name) => name,
    });
    const images = Uint8Array.from({ length: 256 * 3 }, (_, at) => Math.floor(at / 3));
    stepRules.load_images(emission, { kind: "load_images", output: 0 });
    const output = emission.get(0);
    const form = {
      graph: emission.graph,
      inputs: [emission.batchInput("images")],
      outputs: [output],
      updates: [],
    };
    tensorflow.addFunction("normalize_test", form);
    const given = [tensorflow.tensor("uint8", [1, 256, 1, 3], images)];
    const config = { config_proto: { bytes: functionConfig(false) } }; // as of a step
    const [value] = tensorflow.execute("normalize_test", given, config, 1);
    expect(tensorflow.read(value!)).toEqual(normalizeImages(images, program.config.data.normalize));
  });

  it("leaves the event loop free while a step runs", async () => {
    const oracle = oracleNamed("resnet-20");
    const session = await tensorflowEngine.open(oracle.program, { threads: 2 });
    await session.step(batchOf(oracle, 0), { learningRate: 1e-3, step: 1 }); // makes the function
    const batch = batchOf(oracle, 1);
    const running = { step: true };
    let turns = 0;
    const turning = (async () => {
      for (; running.step; turns++) await new Promise((resolve) => setImmediate(resolve));
    })();
    await session.step(batch, { learningRate: 1e-3, step: 2 });
    running.step = false;
    await turning;
    await session.dispose();
    expect(turns).toBeGreaterThan(100); // a step that blocked it would leave two or three
  });

  it("names the layer where TensorFlow refuses a graph", async () => {
    const { program } = oracleNamed("residual-adamw");
    const { graph } = emitTensorflow(program, "train", 6, "variables");
    const at = graph.nodes.findIndex(({ name }) => name === "stages.1.blocks.0.conv1/Conv2D");
    const convolution = graph.nodes[at]!;
    graph.nodes[at] = { ...convolution, inputs: [convolution.inputs[1]!, convolution.inputs[1]!] };
    const tensorflow = await context();
    expect(() => tensorflow.validate(graph)).toThrow(/stages\.1\.blocks\.0\.conv1/);
  });

  it("trains in bfloat16 as well as in float32, by other numbers; or says that the processor cannot", async () => {
    const program = compileText(readFileSync("configs/smoke.yaml", "utf8"), "smoke.yaml").value!;
    const { train } = program.config;
    const inBfloat16 = {
      ...program,
      config: { ...program.config, train: { ...train, precision: "bfloat16" as const } },
    };
    if (!hasBfloat16Instructions()) {
      await expect(tensorflowEngine.require(inBfloat16)).rejects.toThrow(/needs a processor with instructions for it/);
      return;
    }
    const [exact, rounded] = [await lossesOf(program), await lossesOf(inBfloat16)];
    expect(rounded).not.toEqual(exact);
    expect(rounded.at(-1)!).toBeLessThan(rounded[0]! / 2);
    expect(Math.abs(rounded.at(-1)! / exact.at(-1)! - 1)).toBeLessThan(0.1); // eight bits of mantissa, 32 steps
  });
});

async function lossesOf(program: Program): Promise<number[]> {
  const { dataset } = program.config.data;
  if (typeof dataset === "string" || !("synthetic" in dataset)) throw new Error("the images are generated");
  const loader = createLoader(generateSynthetic(dataset.synthetic, program.config.seed), program.config);
  const session = await tensorflowEngine.open(program, { threads: 2 });
  const losses: number[] = [];
  for (let step = 0; step < program.plan.steps; step++) {
    const { stepsPerEpoch } = program.plan;
    const batch = loader.train(Math.floor(step / stepsPerEpoch), step % stepsPerEpoch);
    const learningRate = learningRateAt(program.plan, step);
    losses.push((await session.step(batch, { learningRate, step: step + 1 })).loss);
  }
  await session.dispose();
  return losses;
}
