// What a session does on every engine: micro-batches that add up to a step, steps that are left out, the search for what is
// not finite, and the state. What is computed, and where, is the engine's: the abstract methods.
import type { Program } from "../../compiler/program.js";
import { stepsOfRun } from "../../compiler/lower/step-requests.js";
import { microBatchSizes } from "../../compiler/training/micro-batches.js";
import { mixesLabels } from "../../compiler/training/mixed-labels.js";
import type { ParameterGroup } from "../../compiler/training/parameter-groups.js";
import { parameterGroups } from "../../compiler/training/parameter-groups.js";
import type { StateTensor } from "../../compiler/training/state-tensors.js";
import { stateTensors } from "../../compiler/training/state-tensors.js";
import { UserError } from "../process/user-error.js";
import { firstNonFinite } from "../training/first-non-finite.js";
import { initialize, stateFromImages } from "../training/initialize.js";
import { checkBatch, checkBatchSize, checkHyper, checkImages, checkMixed, checkState } from "./check-batch.js";
import type { Batch, EvaluationResult, PlainImages, Session, State, StepHyper, StepResult } from "./engine.js";
import { sliceOf } from "./engine.js";
import type { StepControl } from "./step-control.js";
import { stepControl } from "./step-control.js";

/** Images whose gradients are computed at once. Where the program mixes images, `mixed` is always there. */
export interface MicroBatch extends Batch {
  /** Of the step's images. */
  readonly share: number;
  readonly isFirst: boolean;
  /** Among those of the step. */
  readonly index: number;
}

/** Running statistics as they were; one of the two is called. */
export interface KeptStatistics {
  putBack(): void;
  letGo(): void;
}

export abstract class EngineSession implements Session {
  /** What the engine holds, by name. */
  protected readonly tensors: ReadonlyMap<string, StateTensor>;
  protected readonly trained: readonly ParameterGroup[];
  /** Whether gradients are summed over micro-batches, and updates are steps of their own. */
  protected readonly accumulates: boolean;
  private readonly largestBatch: number;
  /** Parameters that are computed from images and were not yet. */
  private awaited: ReadonlySet<string>;
  private running: Promise<unknown> | undefined;
  /** Why it can be used no more. */
  private end: string | undefined;
  private closing: Promise<void> | undefined;

  constructor(protected readonly program: Program) {
    const { trained, frozen } = parameterGroups(program.config, program.graph);
    this.trained = trained;
    this.tensors = new Map(stateTensors(program).map((tensor) => [tensor.name, tensor]));
    this.accumulates = program.config.train.accumulate > 1;
    this.largestBatch = Math.max(...stepsOfRun(program).map(({ batch }) => batch));
    this.awaited = new Set(frozen.map(({ name }) => name));
  }

  // ---------------------------------------------------------------- what an engine does

  /** Forward and backward; the gradients are added to those of the step's micro-batches before. Moves the statistics. */
  protected abstract runMicroBatch(
    microBatch: MicroBatch,
    control: StepControl,
  ): Promise<{ readonly loss: number; readonly correct: number }>;
  /**
   * Updates by the gradients, unless their norm or the loss is not finite; returns the norm. Where nothing is accumulated
   * an engine may have done so with the micro-batch.
   */
  protected abstract runUpdate(loss: number, control: StepControl): Promise<number>;
  protected abstract runEvaluation(batch: Batch): Promise<EvaluationResult>;
  /** The first tensor of the computation that is not finite; changes nothing but the statistics. */
  protected abstract inspect(microBatch: MicroBatch, control: StepControl): Promise<string | undefined>;
  protected abstract keepStatistics(): KeptStatistics;
  /** A copy. */
  protected abstract readTensor(tensor: StateTensor): Float32Array | Promise<Float32Array>;
  /** Copies. */
  protected abstract writeTensor(tensor: StateTensor, data: Float32Array): void | Promise<void>;
  /** Gives back what the engine holds for this session. */
  protected abstract release(): void | Promise<void>;

  // ---------------------------------------------------------------- what every session does

  /** Draws the initial state from the seed, but for what is computed from images. */
  async initialize(): Promise<this> {
    await this.write(initialize(this.program.graph, this.program.config));
    return this;
  }

  async initializeFromImages(images: PlainImages): Promise<void> {
    if (this.awaited.size === 0) return;
    const { config } = this.program;
    const checked = (count: number): Uint8Array => checkImages(config, images(count), count);
    await this.writeState(stateFromImages(config, checked));
  }

  async step(batch: Batch, hyper: StepHyper): Promise<StepResult> {
    const microBatches = this.microBatchesOf(batch, hyper);
    return this.alone(async () => {
      const control = this.controlOf(hyper);
      const statistics = this.keepStatistics();
      let [loss, correct] = [0, 0];
      for (const microBatch of microBatches) {
        const measured = await this.runMicroBatch(microBatch, control);
        loss += measured.loss * microBatch.share;
        correct += measured.correct;
      }
      const gradientNorm = await this.runUpdate(loss, control);
      if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) statistics.letGo();
      else statistics.putBack(); // the forward passes have moved them
      return { loss, correct, gradientNorm };
    });
  }

  async findNonFinite(batch: Batch, hyper: StepHyper): Promise<string | undefined> {
    const microBatches = this.microBatchesOf(batch, hyper);
    return this.alone(async () => {
      const unsound = firstNonFinite(this.program.graph, await this.read());
      if (unsound !== undefined) return unsound;
      const control = this.controlOf(hyper);
      const statistics = this.keepStatistics();
      let found: string | undefined;
      for (const microBatch of microBatches) found ??= await this.inspect(microBatch, control);
      statistics.putBack();
      return found;
    });
  }

  async evaluate(batch: Batch): Promise<EvaluationResult> {
    checkBatch(this.program, batch);
    checkBatchSize(batch.count, this.largestBatch);
    this.requireImages();
    const { count, images, labels } = batch;
    return this.alone(() => this.runEvaluation({ count, images, labels }));
  }

  async readState(): Promise<State> {
    return this.alone(() => this.read());
  }

  async writeState(state: State): Promise<void> {
    checkState(this.tensors, state);
    await this.write(state);
    this.awaited = new Set([...this.awaited].filter((name) => !state.has(name)));
  }

  /** Waits for what is being computed. */
  async dispose(): Promise<void> {
    this.end ??= "the session is closed";
    this.closing ??= (async () => {
      await this.running?.catch(() => {});
      await this.release();
    })();
    await this.closing;
  }

  private microBatchesOf(batch: Batch, hyper: StepHyper): MicroBatch[] {
    const { program } = this;
    checkHyper(hyper);
    checkBatch(program, batch);
    checkMixed(program, batch);
    const { count, labels } = batch;
    const sizes = microBatchSizes(count, program.config.train);
    checkBatchSize(Math.max(...sizes), this.largestBatch);
    this.requireImages();
    // An image that is not mixed has its own label twice
    const others = mixesLabels(program.config.data) && { labels, shares: new Float32Array(count).fill(1) };
    const whole = others ? { mixed: others, ...batch } : batch;
    let first = 0;
    return sizes.map((size, index) => {
      const microBatch = { ...sliceOf(whole, first, size), share: size / count, isFirst: first === 0, index };
      first += size;
      return microBatch;
    });
  }

  private controlOf(hyper: StepHyper): StepControl {
    return stepControl(this.program, this.trained, hyper);
  }

  private requireImages(): void {
    if (this.awaited.size === 0) return;
    throw new UserError(
      `${[...this.awaited].join(", ")} is computed from training images: begin with \`train\`, ` +
        "with `session.initializeFromImages(loader.plain)`, or with a state to write",
    );
  }

  private async read(): Promise<State> {
    const entries = [...this.tensors.values()].map(async (tensor) => {
      return [tensor.name, { shape: tensor.shape, data: await this.readTensor(tensor) }] as const;
    });
    return new Map(await Promise.all(entries));
  }

  private write(state: State): Promise<void> {
    return this.alone(async () => {
      for (const [name, { data }] of state) await this.writeTensor(this.tensors.get(name)!, data);
    });
  }

  /** One thing at a time. What fails half-way leaves nothing to go on with. */
  private async alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.end !== undefined) throw new UserError(this.end);
    if (this.running)
      throw new UserError("the session does one thing at a time: this was asked for before the last one ended");
    const running = work();
    this.running = running;
    try {
      return await running;
    } catch (error) {
      this.end ??= `the session failed and can no longer be used (${(error as Error).message}): open another one`;
      throw error;
    } finally {
      this.running = undefined;
    }
  }
}

/** The first of equal logits is the prediction, as in PyTorch's argmax. */
export function countCorrect(logits: ArrayLike<number>, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  let correct = 0;
  labels.forEach((label, image) => {
    let best = 0;
    for (let k = 1; k < classes; k++) {
      if (logits[image * classes + k]! > logits[image * classes + best]!) best = k;
    }
    if (best === label) correct++;
  });
  return correct;
}
