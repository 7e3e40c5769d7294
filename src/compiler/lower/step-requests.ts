// Program → which steps a run needs: training, evaluation, and the smaller last batch of each.
import type { Program } from "../program.js";
import { microBatchSizes } from "../training/micro-batches.js";
import { phaseStarts } from "../training/training-phases.js";
import type { StepMode } from "./step/differentiate.js";

export interface StepRequest {
  readonly mode: StepMode;
  readonly batch: number;
  /** Phase of training that a training step is for (see training-phases.ts). */
  readonly phase: number;
}

/** The steps that a whole run needs: full and last batches of training, in each of its phases, and of evaluation. */
export function stepsOfRun({ config, plan }: Program): StepRequest[] {
  const microBatches = [config.train.batch_size, plan.lastBatch].flatMap((images) =>
    microBatchSizes(images, config.train),
  );
  const requests: StepRequest[] = [
    ...phaseStarts(plan).flatMap((_, phase): StepRequest[] => [
      ...microBatches.map((batch): StepRequest => ({ mode: "train", batch, phase })),
      ...(config.train.accumulate > 1 ? [updateRequest(phase)] : []),
    ]),
    ...[plan.testImages, plan.validationImages].flatMap((images) =>
      evaluationBatches(images, config.train.evaluation.batch_size),
    ),
  ];
  return requests.filter((request, index) => requests.findIndex((other) => isSameStep(request, other)) === index);
}

/** A full batch, where the images fill one, and the last. */
function evaluationBatches(images: number, batch: number): StepRequest[] {
  const sizes = [...(images >= batch ? [batch] : []), ...(images % batch > 0 ? [images % batch] : [])];
  return sizes.map((size): StepRequest => ({ mode: "evaluate", batch: size, phase: 0 }));
}

/** The update works on parameters alone, whatever the batch. */
export function updateRequest(phase: number): StepRequest {
  return { mode: "update", batch: 0, phase };
}

export function isSameStep(one: StepRequest, other: StepRequest): boolean {
  return one.mode === other.mode && one.batch === other.batch && one.phase === other.phase;
}
