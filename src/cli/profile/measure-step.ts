// Program → where the time of a training step or an evaluation goes: the calls of some on random images, timed beside what
// the machine can do.
import { randomFillSync } from "node:crypto";
import type { Program } from "../../compiler/program.js";
import type { Batch } from "../../runtime/engines/engine.js";
import { chooseKernels } from "../../runtime/engines/wasm/choose-kernels.js";
import type { MachinePeak } from "../../runtime/engines/wasm/peak/machine-peak.js";
import { measureMachinePeak } from "../../runtime/engines/wasm/peak/machine-peak.js";
import { openWasmSession } from "../../runtime/engines/wasm/session.js";
import type { MeasuredCall, StepProfile } from "./profile-step.js";
import { measuredCalls, profileStep } from "./profile-step.js";

/** What is timed: a training step, or the evaluation of a batch. */
export type Measurand = "training" | "evaluation";

export interface MeasuredStep {
  /** Images in each step. */
  readonly images: number;
  readonly peak: MachinePeak;
  /** Milliseconds of each step that was timed. */
  readonly steps: readonly number[];
  readonly calls: readonly MeasuredCall[];
  readonly step: StepProfile;
}

/** Times `count` steps on the wasm engine, whose availability the caller has seen to. */
export async function measureStep(
  program: Program,
  threads: number,
  count: number,
  measurand: Measurand,
): Promise<MeasuredStep> {
  const peak = await measureMachinePeak(threads);
  const batch = randomBatch(program, batchSize(program, measurand));
  const { calls, steps } = await measureSteps(program, threads, count, measurand, batch);
  return { images: batch.count, peak, steps, calls, step: profileStep(calls, peak) };
}

function batchSize({ config, plan }: Program, measurand: Measurand): number {
  const { batch_size: trained, evaluation } = config.train;
  return measurand === "training" ? trained : Math.min(evaluation.batch_size, plan.testImages);
}

async function measureSteps(
  program: Program,
  threads: number,
  count: number,
  measurand: Measurand,
  batch: Batch,
): Promise<{ calls: MeasuredCall[]; steps: number[] }> {
  const choice = await chooseKernels(program, threads, "measured");
  const session = await openWasmSession(program, threads, choice);
  try {
    await session.writeState(await session.readState()); // any filters will do, those that whiten too
    // At a rate of zero the weights stay as they were drawn, so that no number grows out of its range
    const hyper = { learningRate: 0, step: 1 };
    const run = () => (measurand === "training" ? session.profileStep(batch, hyper) : session.profileEvaluation(batch));
    const { calls } = await run();
    const times: Float64Array[] = [];
    while (times.length < count) times.push((await run()).milliseconds);
    const steps = times.map((ofStep) => ofStep.reduce((sum, time) => sum + time, 0));
    return { calls: measuredCalls(calls, times, choice.providers), steps };
  } finally {
    await session.dispose();
  }
}

function randomBatch({ config }: Program, count: number): Batch {
  const { height, width, channels } = config.model.input;
  const { classes } = config.model.classifier;
  const images = randomFillSync(new Uint8Array(count * height * width * channels));
  return { count, images, labels: Int32Array.from({ length: count }, (_, index) => index % classes) };
}
