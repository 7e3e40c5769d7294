// Program → where a training step's time goes: the calls of some steps on random images, timed beside what the machine
// can do.
import { randomFillSync } from "node:crypto";
import type { Program } from "../compiler/program.js";
import type { Batch } from "../runtime/engine.js";
import { chooseKernels } from "../runtime/engines/wasm/choose-kernels.js";
import type { MachinePeak } from "../runtime/engines/wasm/machine-peak.js";
import { measureMachinePeak } from "../runtime/engines/wasm/machine-peak.js";
import { openWasmSession } from "../runtime/engines/wasm/session.js";
import type { MeasuredCall, StepProfile } from "./profile-step.js";
import { measuredCalls, profileStep } from "./profile-step.js";

export interface MeasuredStep {
  readonly peak: MachinePeak;
  /** Milliseconds of each step that was timed. */
  readonly steps: readonly number[];
  readonly calls: readonly MeasuredCall[];
  readonly step: StepProfile;
}

/** Times `count` steps on the wasm engine, whose availability the caller has seen to. */
export async function measureStep(program: Program, threads: number, count: number): Promise<MeasuredStep> {
  const peak = await measureMachinePeak(threads);
  const { calls, steps } = await measureSteps(program, threads, count);
  return { peak, steps, calls, step: profileStep(calls, peak) };
}

async function measureSteps(
  program: Program,
  threads: number,
  count: number,
): Promise<{ calls: MeasuredCall[]; steps: number[] }> {
  const session = await openWasmSession(program, threads, await chooseKernels(program, threads, "measured"));
  try {
    const batch = randomBatch(program);
    // At a rate of zero the weights stay as they were drawn, so that no number grows out of its range
    const hyper = { learningRate: 0, step: 1 };
    const { calls } = await session.profile(batch, hyper);
    const times: Float64Array[] = [];
    while (times.length < count) times.push((await session.profile(batch, hyper)).milliseconds);
    const steps = times.map((ofStep) => ofStep.reduce((sum, time) => sum + time, 0));
    return { calls: measuredCalls(calls, times), steps };
  } finally {
    await session.dispose();
  }
}

function randomBatch({ config }: Program): Batch {
  const { height, width, channels } = config.model.input;
  const { classes } = config.model.classifier;
  const count = config.train.batch_size;
  const images = randomFillSync(new Uint8Array(count * height * width * channels));
  return { count, images, labels: Int32Array.from({ length: count }, (_, index) => index % classes) };
}
