// A Program opened on the wasm engine: the heap, the threads, and the lowered steps written into it.
import { invariant } from "../../../compiler/diagnostics/diagnostic.js";
import type { KernelChoice } from "../../../compiler/lower/kernels/kernel-provider.js";
import { BY_COST } from "../../../compiler/lower/kernels/kernel-provider.js";
import { inspectStep } from "../../../compiler/lower/placement/inspect-step.js";
import type { Step, StepCall } from "../../../compiler/lower/placement/emit-step.js";
import { kernels } from "../../../compiler/lower/kernels/kernels.js";
import type { StoredTensor } from "../../../compiler/lower/placement/layout.js";
import type { LoweredProgram, StepRequest } from "../../../compiler/lower/lower.js";
import { isSameStep, lower, stepsOfRun, updateRequest } from "../../../compiler/lower/lower.js";
import type { PersistentName } from "../../../compiler/lower/convolutions/kernel-selector.js";
import { mixesLabels } from "../../../compiler/training/mixed-labels.js";
import type { ParameterGroup } from "../../../compiler/training/parameter-groups.js";
import { parameterGroups } from "../../../compiler/training/parameter-groups.js";
import { partsOf } from "../../../compiler/training/parts.js";
import type { Program } from "../../../compiler/program.js";
import { groupRates, phaseAt } from "../../../compiler/training/training-phases.js";
import { momentCorrections, slotNames } from "../../../compiler/training/update-rule.js";
import { averageName, averageShare, averagesWeights } from "../../../compiler/training/weight-average.js";
import type { Batch, EvaluationResult, Session, State, StepHyper, StepResult } from "../engine.js";
import { partOf, updatesOf } from "../engine.js";
import { firstNonFinite } from "../../training/first-non-finite.js";
import { initialize } from "../../training/initialize.js";
import { findNonFinite } from "./find-non-finite.js";
import type { StepControl } from "./heap.js";
import { Heap, encodeStep } from "./heap.js";
import { Team, threadModules } from "./team.js";

/** `choice` says which kernel carries out which convolution; without it the cost model decides, the same everywhere. */
export async function openWasmSession(
  program: Program,
  threads: number,
  choice: KernelChoice = BY_COST,
): Promise<WasmSession> {
  const session = new WasmSession(program, threads, choice);
  await session.start();
  await session.writeState(initialize(program.graph, program.config));
  return session;
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

export class WasmSession implements Session {
  private requests: readonly StepRequest[];
  private steps: readonly WrittenStep[] = [];
  /** Of the last training step. */
  private phase = 0;
  private readonly groups: readonly ParameterGroup[];
  private readonly heap: Heap;
  private readonly team: Team;
  private lowered: LoweredProgram;
  /** Where the times of a profiled step go. */
  private timesAddress = 0;

  constructor(
    private readonly program: Program,
    readonly threads: number,
    private readonly choice: KernelChoice,
  ) {
    this.groups = parameterGroups(program.config, program.graph).trained;
    this.requests = stepsOfRun(program);
    this.lowered = lower(program, this.requests, threads, choice);
    this.heap = new Heap(this.lowered.heapBytes);
    const calls = this.lowered.steps.flatMap(({ step }) => step.calls);
    this.team = new Team(this.heap, threads, threadModules(choice.providers, calls));
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
    await this.team.start();
  }

  async step(batch: Batch, hyper: StepHyper): Promise<StepResult> {
    this.heap.setHyper(this.controlOf(hyper));
    this.enterPhase(this.phaseOf(hyper));
    const statistics = this.statistics().slice();
    const measured = await this.runParts(batch, hyper, (written) => this.run(written));
    const { gradientNorm, isAbandoned } = this.heap.updateResult();
    if (isAbandoned) this.statistics().set(statistics); // the forward passes have moved them
    return { ...measured, gradientNorm };
  }

  /** Runs all of a step, in as many parts as the file asks for. */
  private async runParts(
    batch: Batch,
    hyper: StepHyper,
    run: (written: WrittenStep) => Promise<void>,
  ): Promise<{ loss: number; correct: number }> {
    const phase = this.phaseOf(hyper);
    const sizes = partsOf(batch.count, this.program.config.train);
    let [loss, correct, first] = [0, 0, 0];
    for (const count of sizes) {
      const written = this.stepFor({ mode: "train", batch: count, phase });
      this.stage(partOf(batch, first, count));
      this.heap.setPart(count / batch.count, first === 0);
      await run(written);
      const part = this.heap.result();
      loss += part.loss * (count / batch.count);
      correct += part.correct;
      first += count;
    }
    if (this.program.config.train.accumulate > 1) {
      this.heap.setLoss(loss); // the update is left out where any part's is not finite
      await run(this.stepFor(updateRequest(phase)));
    }
    return { loss, correct };
  }

  async findNonFinite(batch: Batch, hyper: StepHyper): Promise<string | undefined> {
    const unsound = firstNonFinite(this.program.graph, await this.readState());
    if (unsound !== undefined) return unsound;
    const statistics = this.statistics().slice();
    let first = 0;
    try {
      for (const count of partsOf(batch.count, this.program.config.train)) {
        const request: StepRequest = { mode: "train", batch: count, phase: this.phaseOf(hyper) };
        this.stepFor(request);
        this.stage(partOf(batch, first, count));
        const index = this.requests.findIndex((other) => isSameStep(other, request));
        const inspected = inspectStep(this.program, this.requests, this.threads, this.choice, index);
        const run = (address: number) => this.run({ ...request, step: inspected.step, address });
        const found = await findNonFinite(this.heap, inspected, run, this.timesAddress);
        if (found !== undefined) return found;
        first += count;
      }
      return undefined;
    } finally {
      this.statistics().set(statistics);
    }
  }

  private statistics(): Uint8Array {
    return this.heap.bytes(this.lowered.addresses.statistics, this.lowered.layout.statisticBytes);
  }

  evaluate(batch: Batch): Promise<EvaluationResult> {
    return this.evaluateBatch(batch, (written) => this.run(written));
  }

  private async evaluateBatch(batch: Batch, run: (written: WrittenStep) => Promise<void>): Promise<EvaluationResult> {
    const written = this.stepFor({ mode: "evaluate", batch: batch.count, phase: 0 });
    this.stage(batch);
    await run(written);
    return { ...this.heap.result(), logits: this.readLogits(written.step) };
  }

  /** One training step with the milliseconds that each of its kernel calls took; changes the weights as a step does. */
  async profileStep(batch: Batch, hyper: StepHyper): Promise<CallTimes> {
    await this.step(batch, hyper); // warms the caches
    return this.timed((run) => this.runParts(batch, hyper, run));
  }

  /** The same of one evaluation. */
  async profileEvaluation(batch: Batch): Promise<CallTimes> {
    await this.evaluate(batch);
    return this.timed((run) => this.evaluateBatch(batch, run));
  }

  private async timed(work: (run: (written: WrittenStep) => Promise<void>) => Promise<unknown>): Promise<CallTimes> {
    const calls: StepCall[] = [];
    const milliseconds: number[] = [];
    await work(async (written) => {
      await this.run(written, this.timesAddress);
      const count = written.step.calls.length;
      const times = new Float64Array(this.heap.memory.buffer, this.timesAddress, count + 1);
      calls.push(...written.step.calls);
      milliseconds.push(...times.slice(1).map((time, index) => time - times[index]!));
    });
    return { calls, milliseconds: Float64Array.from(milliseconds) };
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

  async readState(): Promise<State> {
    const entries = this.storedTensors().map(({ name, stored, region }) => {
      const data = this.heap.readTensor(stored, this.lowered.addresses[region]);
      return [name, { shape: stored.shape, data }] as const;
    });
    return new Map(entries);
  }

  async writeState(state: State): Promise<void> {
    const known = new Map(this.storedTensors().map((entry) => [entry.name, entry]));
    // All are checked before the first is written: a refused state leaves the session as it was.
    const writes = [...state].map(([name, { shape, data }]) => {
      const entry = known.get(name);
      if (!entry) throw new Error(`the network has no tensor named ${name}`);
      const { stored, region } = entry;
      const elements = shape.reduce((product, size) => product * size, 1);
      if (shape.join() !== stored.shape.join() || data.length !== elements) {
        const expected = stored.shape.join(", ");
        throw new Error(`${name} has shape [${shape.join(", ")}] and ${data.length} values, expected [${expected}]`);
      }
      return { stored, region, data };
    });
    for (const { stored, region, data } of writes) {
      this.heap.writeTensor(stored, this.lowered.addresses[region], data);
    }
  }

  async dispose(): Promise<void> {
    await this.team.dispose();
  }

  private run({ address }: WrittenStep, times = 0): Promise<void> {
    return this.team.run(address, times);
  }

  private stage({ images, labels, mixed, count }: Batch): void {
    const { height, width, channels } = this.program.config.model.input;
    const { addresses } = this.lowered;
    const bytes = count * height * width * channels;
    invariant(images.length >= bytes && labels.length >= count, "the batch holds fewer images than it says");
    this.heap.bytes(addresses["staged images"], bytes).set(images.subarray(0, bytes));
    this.heap.integers(addresses["staged labels"], count).set(labels.subarray(0, count));
    invariant(!mixed || mixesLabels(this.program.config.data), "the images are mixed, but the program mixes none");
    if (!mixesLabels(this.program.config.data)) return;
    const others = mixed?.labels ?? labels; // of an image that is not mixed, its own
    this.heap.integers(addresses["staged other labels"], count).set(others.subarray(0, count));
    const shares = this.heap.floats(addresses["staged label shares"], count);
    if (mixed) shares.set(mixed.shares.subarray(0, count));
    else shares.fill(1);
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
      `a batch of ${request.batch} images is larger than any that this session was opened for`,
    );
    this.requests = requests;
    this.lowered = lowered;
    this.writeSteps();
    return this.stepFor(request);
  }

  private phaseOf({ step }: StepHyper): number {
    return phaseAt(this.program.plan, step - 1);
  }

  /** What is frozen from now on keeps no gradient, which the norm over all would go on counting. */
  private enterPhase(phase: number): void {
    if (phase === this.phase) return;
    const { addresses, layout } = this.lowered;
    this.heap.bytes(addresses.gradients, layout.parameterBytes).fill(0);
    if (this.program.config.train.accumulate > 1) {
      this.heap.bytes(addresses["part gradients"], layout.parameterBytes).fill(0);
    }
    this.phase = phase;
  }

  private controlOf(hyper: StepHyper): StepControl {
    const { config, plan } = this.program;
    const groups = groupRates(plan, hyper).map((rate, index) => {
      const rule = this.groups.find((group) => group.rateIndex === index)?.rule;
      return { rate, corrections: rule ? momentCorrections(rule, updatesOf(hyper)) : ([1, 1] as const) };
    });
    return { groups, averageShare: averageShare(config.train, plan, hyper.step) };
  }

  private writeSteps(): void {
    let address = this.lowered.heapBytes;
    const longest = Math.max(...this.lowered.steps.map(({ step }) => step.calls.length));
    const sizes = this.lowered.steps.map(({ step }) => Math.ceil((encodeStep(step).length * 4) / 64) * 64);
    this.heap.ensure(address + sizes.reduce((sum, size) => sum + size, 0) + (longest + 1) * 8);
    this.steps = this.lowered.steps.map((lowered, index) => {
      const written = { ...lowered, address };
      this.heap.writeStep(lowered.step, address);
      address += sizes[index]!;
      return written;
    });
    this.timesAddress = address;
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
    invariant(loss.kernel === "softmax_cross_entropy", "an evaluation ends with its loss");
    const operand = (name: keyof typeof kernels.softmax_cross_entropy): number =>
      loss.operands[Object.keys(kernels.softmax_cross_entropy).indexOf(name)]!;
    const [address, images, classes] = [operand("logits"), operand("images"), operand("classes")];
    const lanes = operand("lanes");
    const stored = this.heap.floats(address, images * lanes);
    const logits = new Float32Array(images * classes);
    for (let image = 0; image < images; image++) {
      logits.set(stored.subarray(image * lanes, image * lanes + classes), image * classes);
    }
    return logits;
  }

  private storedTensors(): { name: string; stored: StoredTensor; region: PersistentName }[] {
    const { parameters, statistics } = this.lowered.layout;
    const { train } = this.program.config;
    const rules = new Map(
      this.groups.flatMap(({ parameters: all, rule }) => all.map(({ name }) => [name, rule] as const)),
    );
    const averages = averagesWeights(train);
    const regions = ["first slots", "second slots"] as const;
    return [
      ...parameters.map((stored) => ({ name: stored.name, stored, region: "parameters" as const })),
      ...statistics.map((stored) => ({ name: stored.name, stored, region: "statistics" as const })),
      ...regions.flatMap((region, index) =>
        parameters.flatMap((stored) => {
          const rule = rules.get(stored.name); // a frozen parameter has none
          const slot = rule && slotNames(rule)[index];
          return slot ? [{ name: `${stored.name}.${slot}`, stored, region }] : [];
        }),
      ),
      ...(averages ? parameters : []).map((stored) => averageOf(stored, "average parameters")),
      ...(averages ? statistics : []).map((stored) => averageOf(stored, "average statistics")),
    ];
  }
}

function averageOf(stored: StoredTensor, region: PersistentName) {
  return { name: averageName(stored.name), stored, region };
}
