// Training with parts of a network frozen, from weights: PyTorch's losses (test/oracle/write_weights.py), and what does not change.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { learningRateAt } from "../../../src/compiler/training/plan.js";
import { kernelGraphOf } from "../../../src/compiler/lower/lower.js";
import { compile, open } from "../../../src/index.js";
import { residualFile } from "./residual-file.js";

const folder = fileURLToPath(new URL("../../oracle/weights/", import.meta.url));
const { images } = JSON.parse(readFileSync(`${folder}logits.json`, "utf8")) as { images: number[] };
const { labels, losses } = JSON.parse(readFileSync(`${folder}frozen.json`, "utf8")) as {
  labels: number[];
  losses: Record<string, number[]>;
};
const batch = { count: 4, images: Uint8Array.from(images), labels: Int32Array.from(labels) };

/** Two steps an epoch. */
const programOf = (groups: string, rest = "") =>
  compile(
    residualFile({
      train: `  optimizer: {sgd: {momentum: 0.9, weight_decay: 0}}
  start: ${folder}torchvision.pth
  groups: ${groups}
${rest}`,
    })
      .replace("train_images: 16", "train_images: 8")
      .replace("batch_size: 8", "batch_size: 4")
      .replace("epochs: 1", "epochs: 3")
      .replace("learning_rate: 0.01", "learning_rate: 0.05"),
  );

async function train(program: ReturnType<typeof compile>, engine: string) {
  const session = await open(program, { engine, threads: 2 });
  const before = await session.readState();
  const found: number[] = [];
  for (let step = 1; step <= 6; step++) {
    const { loss } = await session.step(batch, {
      learningRate: learningRateAt(program.plan, step - 1),
      step,
      skipped: 0,
    });
    found.push(loss);
  }
  const after = await session.readState();
  await session.dispose();
  return { losses: found, before, after };
}

/** Six steps in float32: rounding grows with each of them. */
const TOLERANCE = 2e-5;
const CASES = {
  body: "[{layers: [stem, stages.0], epochs: 0}]",
  middle: "[{layers: [stages.0], epochs: 0}]",
  norms: "[{roles: [norm_scale, norm_shift], epochs: 0}]",
  until: "[{layers: [stem, stages], from_epoch: 2}]",
} as const;

describe.each(["wasm", "cpu"])("on %s", (engine) => {
  it.each(Object.entries(CASES))("losses are PyTorch's with %s frozen", async (name, groups) => {
    const found = await train(programOf(groups), engine);
    found.losses.forEach((loss, step) => {
      const expected = losses[name]![step]!;
      expect(Math.abs(loss - expected), `step ${step + 1}: ${loss} and ${expected}`).toBeLessThan(TOLERANCE * expected);
    });
  });

  it("frozen weights and statistics keep their bits", async () => {
    const { before, after } = await train(programOf(CASES.body), engine);
    const own = [...before].filter(([name]) => !name.endsWith(".momentum"));
    const kept = own.filter(([name, { data }]) => data.every((value, at) => value === after.get(name)!.data[at]));
    const frozen = own.filter(([name]) => name.startsWith("stem") || name.startsWith("stages.0"));
    expect(kept.map(([name]) => name)).toEqual(frozen.map(([name]) => name));
  });

  it("norms go on with each batch's statistics where the file says so", async () => {
    const { before, after } = await train(programOf("[{layers: [stem], epochs: 0, frozen_norms: batch}]"), engine);
    const name = "stem.norm.running_mean";
    expect(after.get(name)!.data).not.toEqual(before.get(name)!.data);
    expect(after.get("stem.norm.weight")!.data).toEqual(before.get("stem.norm.weight")!.data);
  });
});

it("what is frozen below the lowest trained layer has no backward pass, and its norms no statistics", () => {
  const program = programOf("[{layers: [stem, stages], from_epoch: 2}]");
  const kinds = (phase: number) => kernelGraphOf(program, "train", phase).nodes.map(({ op }) => op.kind);
  const frozen = kinds(0);
  expect(frozen.filter((kind) => kind === "conv2d_weight_gradient")).toHaveLength(1);
  expect(frozen.filter((kind) => kind.endsWith("input_gradient") || kind === "pointwise")).toEqual([]);
  expect(kinds(1).filter((kind) => kind === "conv2d_weight_gradient")).toHaveLength(7);
});
