// A Program opened on the wasm engine: the heap, the threads, and the lowered steps written into it.
import { invariant } from "../../../compiler/diagnostics/diagnostic.js";
import type { KernelChoice } from "../../../compiler/lower/kernels/kernel-provider.js";
import { BY_COST } from "../../../compiler/lower/kernels/kernel-provider.js";
import { inspectStep } from "../../../compiler/lower/placement/inspect-step.js";
import type { Step, StepCall } from "../../../compiler/lower/placement/emit-step.js";
import { namedOperands } from "../../../compiler/lower/kernels/kernels.js";
import type { StoredTensor } from "../../../compiler/lower/placement/layout.js";
import type { LoweredProgram } from "../../../compiler/lower/lower.js";
import type { StepRequest } from "../../../compiler/lower/step-requests.js";
import { lower } from "../../../compiler/lower/lower.js";
import { isSameStep, stepsOfRun, updateRequest } from "../../../compiler/lower/step-requests.js";
import type { PersistentName } from "../../../compiler/lower/convolutions/kernel-selector.js";
import { mixesLabels } from "../../../compiler/training/mixed-labels.js";
import type { Program } from "../../../compiler/program.js";
import type { StateTensor } from "../../../compiler/training/state-tensors.js";
import type { Batch, EvaluationResult, State, StepHyper } from "../engine.js";
import type { KeptStatistics, MicroBatch } from "../engine-session.js";
import { EngineSession } from "../engine-session.js";
import type { StepControl } from "../step-control.js";
import { findNonFinite } from "./find-non-finite.js";
import { Heap, encodeStep } from "./heap.js";
import { threadModules } from "./thread-modules.js";
import { ThreadPool } from "./thread-pool.js";

/** `choice` says which kernel carries out which convolution; without it the cost model decides, the same everywhere. */
export async function openWasmSession(
  program: Program,
  threads: number,
  choice: KernelChoice = BY_COST,
): Promise<WasmSession> {
  const session = new WasmSession(program, threads, choice);
  await session.start();
  return session.initialize();
}

/** The calls that were run, and what each took. */
export interface CallTimes {
  readonly calls: readonly StepCall[];
  readonly milliseconds: Float64Array;
}

interface WrittenStep extends StepRequest {
  readonly step: Step;
  readonly address: number;
}

/** The region of the heap that tensors of each role lie in. */
const REGIONS = {
  parameter: "parameters",
  statistic: "statistics",
  "first slot": "first slots",
  "second slot": "second slots",
  "average parameter": "average parameters",
  "average statistic": "average statistics",
} as const satisfies Readonly<Record<StateTensor["role"], PersistentName>>;

export class WasmSession extends EngineSession {
  private requests: readonly StepRequest[];
  private steps: readonly WrittenStep[] = [];
  /** Of the last training step. */
  private phase = 0;
  private readonly heap: Heap;
  private readonly pool: ThreadPool;
  private lowered: LoweredProgram;
  private readonly stored: ReadonlyMap<string, StoredTensor>;
  /** Where the times of a profiled step go. */
  private timesAddress = 0;
  /** Where the calls that run are noted, while a step is profiled. */
  private profile: { readonly calls: StepCall[]; readonly milliseconds: number[] } | undefined;

  constructor(
    program: Program,
    readonly threads: number,
    private readonly choice: KernelChoice,
  ) {
    super(program);
    this.requests = stepsOfRun(program);
    this.lowered = lower(program, this.requests, threads, choice);
    const { parameters, statistics } = this.lowered.layout;
    this.stored = new Map([...parameters, ...statistics].map((stored) => [stored.name, stored]));
    this.heap = new Heap(this.placesOfSteps().end); // all of it, where the machine leaves no room to grow
    const calls = this.lowered.steps.flatMap(({ step }) => step.calls);
    this.pool = new ThreadPool(this.heap, threads, threadModules(choice.providers, calls));
    this.writeSteps();
    this.writePixelValues();
  }

  get heapBytes(): number {
    return this.heap.memory.buffer.byteLength;
  }

  /** What a resumed run needs to compute the same bits: the kernels that were not the cost model's choice alone. */
  get kernels(): Readonly<Record<string, string>> {
    return this.choice.chosen;
  }

  async start(): Promise<void> {
    await this.pool.start();
  }

  protected async runMicroBatch(
    microBatch: MicroBatch,
    control: StepControl,
  ): Promise<{ loss: number; correct: number }> {
    const { count, share, isFirst } = microBatch;
    if (isFirst) {
      this.heap.setHyper(control);
      this.enterPhase(control.phase);
    }
    const written = this.stepFor({ mode: "train", batch: count, phase: control.phase });
    this.stage(microBatch);
    this.heap.setMicroBatch(share, isFirst);
    this.heap.setDraws({ seed: this.program.config.seed, step: control.step, microBatch: microBatch.index });
    await this.run(written);
    return this.heap.result();
  }

  protected async runUpdate(loss: number, { phase }: StepControl): Promise<number> {
    if (this.accumulates) {
      this.heap.setLoss(loss); // the update is left out where any micro-batch's is not finite
      await this.run(this.stepFor(updateRequest(phase)));
    }
    return this.heap.gradientNorm();
  }

  protected async inspect(microBatch: MicroBatch, { phase, step }: StepControl): Promise<string | undefined> {
    const request: StepRequest = { mode: "train", batch: microBatch.count, phase };
    this.stepFor(request);
    this.stage(microBatch);
    this.heap.setDraws({ seed: this.program.config.seed, step, microBatch: microBatch.index });
    const index = this.requests.findIndex((other) => isSameStep(other, request));
    const inspected = inspectStep(this.program, this.requests, this.threads, this.choice, index);
    return findNonFinite(this.heap, inspected, (address) => this.pool.run(address), this.timesAddress);
  }

  protected keepStatistics(): KeptStatistics {
    const { addresses, layout } = this.lowered;
    const statistics = this.heap.bytes(addresses.statistics, layout.statisticBytes);
    const kept = statistics.slice();
    return { putBack: () => statistics.set(kept), letGo: () => {} };
  }

  protected async runEvaluation(batch: Batch): Promise<EvaluationResult> {
    const written = this.stepFor({ mode: "evaluate", batch: batch.count, phase: 0 });
    this.stage(batch);
    await this.run(written);
    return { ...this.heap.result(), logits: this.readLogits(written.step) };
  }

  /** One training step with the milliseconds that each of its kernel calls took; changes the weights as a step does. */
  async profileStep(batch: Batch, hyper: StepHyper): Promise<CallTimes> {
    await this.step(batch, hyper); // warms the caches
    return this.timed(() => this.step(batch, hyper));
  }

  /** The same of one evaluation. */
  async profileEvaluation(batch: Batch): Promise<CallTimes> {
    await this.evaluate(batch);
    return this.timed(() => this.evaluate(batch));
  }

  private async timed(work: () => Promise<unknown>): Promise<CallTimes> {
    const profile = { calls: [], milliseconds: [] };
    this.profile = profile;
    try {
      await work();
    } finally {
      this.profile = undefined;
    }
    return { calls: profile.calls, milliseconds: Float64Array.from(profile.milliseconds) };
  }

  /** Gradients of the last training step, by parameter. */
  readGradients(): State {
    const region = this.lowered.addresses.gradients;
    return new Map(
      this.lowered.layout.parameters.map((stored) => [
        stored.name,
        { shape: stored.shape, data: this.heap.readTensor(stored, region) },
      ]),
    );
  }

  protected readTensor({ of, role }: StateTensor): Float32Array {
    return this.heap.readTensor(this.stored.get(of)!, this.lowered.addresses[REGIONS[role]]);
  }

  protected writeTensor({ of, role }: StateTensor, data: Float32Array): void {
    this.heap.writeTensor(this.stored.get(of)!, this.lowered.addresses[REGIONS[role]], data);
  }

  protected async release(): Promise<void> {
    await this.pool.dispose();
  }

  private async run({ address, step }: WrittenStep): Promise<void> {
    const { profile } = this;
    await this.pool.run(address, profile ? this.timesAddress : 0);
    if (!profile) return;
    const times = this.heap.doubles(this.timesAddress, step.calls.length + 1);
    profile.calls.push(...step.calls);
    profile.milliseconds.push(...times.slice(1).map((time, index) => time - times[index]!));
  }

  private stage({ images, labels, mixed, count }: Batch): void {
    const { addresses } = this.lowered;
    this.heap.bytes(addresses["staged images"], images.length).set(images);
    this.heap.integers(addresses["staged labels"], count).set(labels);
    if (!mixed || !mixesLabels(this.program.config.data)) return;
    this.heap.integers(addresses["staged other labels"], count).set(mixed.labels);
    this.heap.floats(addresses["staged label shares"], count).set(mixed.shares);
  }

  /** Steps for other batch sizes than the plan's are lowered when they are first asked for. */
  private stepFor(request: StepRequest): WrittenStep {
    const found = this.steps.find((written) => isSameStep(written, request));
    if (found) return found;
    const requests = [...this.requests, request];
    const lowered = lower(this.program, requests, this.threads, this.choice);
    const names = Object.keys(lowered.addresses) as PersistentName[];
    invariant(
      names.every((name) => lowered.addresses[name] === this.lowered.addresses[name]),
      "a batch is larger than those that the session was opened for",
    );
    this.requests = requests;
    this.lowered = lowered;
    this.writeSteps();
    return this.stepFor(request);
  }

  /** What is frozen from now on keeps no gradient, which the norm over all would go on counting. */
  private enterPhase(phase: number): void {
    if (phase === this.phase) return;
    const { addresses, layout } = this.lowered;
    this.heap.bytes(addresses.gradients, layout.parameterBytes).fill(0);
    if (this.accumulates) this.heap.bytes(addresses["micro-batch gradients"], layout.parameterBytes).fill(0);
    this.phase = phase;
  }

  /** Behind the heap that was planned come the steps and the times of the longest one's calls. */
  private placesOfSteps(): { addresses: number[]; times: number; end: number } {
    let address = this.lowered.heapBytes;
    const addresses = this.lowered.steps.map(({ step }) => {
      const start = address;
      address += Math.ceil((encodeStep(step).length * 4) / 64) * 64;
      return start;
    });
    const longest = Math.max(...this.lowered.steps.map(({ step }) => step.calls.length));
    return { addresses, times: address, end: address + (longest + 1) * 8 };
  }

  private writeSteps(): void {
    const { addresses, times, end } = this.placesOfSteps();
    this.heap.ensure(end);
    this.steps = this.lowered.steps.map((lowered, index) => {
      const written = { ...lowered, address: addresses[index]! };
      this.heap.writeStep(lowered.step, written.address);
      return written;
    });
    this.timesAddress = times;
  }

  /** float32 at each operation, as PyTorch's ToTensor and Normalize round. */
  private writePixelValues(): void {
    const { mean, std } = this.program.config.data.normalize;
    const values = this.heap.floats(this.lowered.addresses["pixel values"], mean.length * 256);
    mean.forEach((channelMean, channel) => {
      for (let value = 0; value < 256; value++) {
        const centred = Math.fround(Math.fround(value / 255) - Math.fround(channelMean));
        values[channel * 256 + value] = Math.fround(centred / Math.fround(std[channel]!));
      }
    });
  }

  private readLogits(step: Step): Float32Array {
    const loss = step.calls.at(-1)!;
    invariant(loss.kernel === "softmax_cross_entropy", `an evaluation ends with ${loss.kernel} and not with its loss`);
    const { logits: address, images, classes, lanes } = namedOperands(loss.kernel, loss.operands);
    const stored = this.heap.floats(address, images * lanes);
    const logits = new Float32Array(images * classes);
    for (let image = 0; image < images; image++) {
      logits.set(stored.subarray(image * lanes, image * lanes + classes), image * classes);
    }
    return logits;
  }
}
