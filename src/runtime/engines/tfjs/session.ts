// A Program opened on TensorFlow.js. Slow on the `cpu` backend and simple: the reference for netc's own engine.
import type { Scalar, Tensor, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { invariant } from "../../../compiler/diagnostics/diagnostic.js";
import { type Parameter, parametersOf, statisticsOf } from "../../../compiler/network/parameters.js";
import { parameterGroups } from "../../../compiler/training/parameter-groups.js";
import { partsOf } from "../../../compiler/training/parts.js";
import type { Program } from "../../../compiler/program.js";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";
import { groupRates, isFrozenIn, phaseAt } from "../../../compiler/training/training-phases.js";
import type { UpdateRule } from "../../../compiler/training/update-rule.js";
import { slotNames } from "../../../compiler/training/update-rule.js";
import { averageName, averageShare, averagesWeights, writesBack } from "../../../compiler/training/weight-average.js";
import type { Batch, EvaluationResult, Session, State, StepHyper, StepResult } from "../engine.js";
import { partOf, updatesOf } from "../engine.js";
import { firstNonFinite } from "../../training/first-non-finite.js";
import type { BatchStatistics } from "./batch-norm.js";
import { forward } from "./forward.js";
import type { TfjsKernels } from "./kernels.js";
import { plainKernels } from "./kernels.js";
import { normalizeImages } from "./normalize-images.js";
import { update } from "./optimizer.js";

export class TfjsSession implements Session {
  readonly #tf: Tfjs;
  readonly #kernels: TfjsKernels;
  readonly #program: Program;
  readonly #parameters: readonly Parameter[];
  /** Rule and rate of every parameter that is not frozen throughout. */
  readonly #trained: ReadonlyMap<string, { readonly rule: UpdateRule; readonly rateIndex: number }>;
  /** Parameters, running statistics and optimizer slots by their names in a State, in that order. */
  readonly #tensors = new Map<string, Tensor>();

  /** Parameters start at zero, running variances at one. */
  constructor(tf: Tfjs, program: Program, kernels: TfjsKernels = plainKernels) {
    this.#tf = tf;
    this.#kernels = kernels;
    this.#program = program;
    this.#parameters = parametersOf(program.graph);
    const { trained } = parameterGroups(program.config, program.graph);
    this.#trained = new Map(
      trained.flatMap(({ parameters, rule, rateIndex }) =>
        parameters.map(({ name }) => [name, { rule, rateIndex }] as const),
      ),
    );
    const { zeros, ones } = tf.core;
    for (const { name, shape } of this.#parameters) this.#tensors.set(name, zeros([...shape]));
    for (const { name, role, shape } of statisticsOf(program.graph)) {
      this.#tensors.set(name, role === "running_var" ? ones([...shape]) : zeros([...shape]));
    }
    for (const { name, shape } of this.#parameters) {
      for (const slot of this.#slots(name)) this.#tensors.set(slot, zeros([...shape]));
    }
    for (const name of this.#averaged()) this.#tensors.set(averageName(name), this.#tensors.get(name)!.clone());
  }

  async step(batch: Batch, hyper: StepHyper): Promise<StepResult> {
    const { core } = this.#tf;
    await core.setBackend(this.#kernels.backend); // engines on tfjs share what is current
    const trained = this.#trainedAt(hyper);
    const before = this.#statistics().map((name) => [name, this.#tensors.get(name)!.clone()] as const);
    const { loss, correct, gradients } = await this.#gradientsOf(batch, trained);
    const gradientNorm = await this.#normOf(gradients);
    if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) {
      core.tidy(() => {
        this.#update(trained, this.#clipped(gradients, gradientNorm), hyper);
        this.#moveAverages(hyper.step);
      });
      core.dispose(before.map(([, value]) => value));
    } else {
      for (const [name, value] of before) this.#replace(name, value);
    }
    core.dispose(gradients);
    return { loss, correct, gradientNorm };
  }

  /** Of the whole batch, worked on in as many parts as the file asks for. Moves the running statistics. */
  async #gradientsOf(
    batch: Batch,
    trained: readonly string[],
  ): Promise<{ loss: number; correct: number; gradients: Tensor[] }> {
    const { core } = this.#tf;
    let [loss, correct, first] = [0, 0, 0];
    let gradients: Tensor[] = [];
    for (const count of partsOf(batch.count, this.#program.config.train)) {
      const part = partOf(batch, first, count);
      const share = count / batch.count;
      const measured = core.tidy(() => {
        const { value, grads, logits } = this.#differentiate(part, trained);
        const sums = share === 1 ? grads : grads.map((gradient) => core.mul(gradient, share));
        const total = first === 0 ? sums : sums.map((gradient, index) => core.add(gradients[index]!, gradient));
        return { value, logits, total };
      });
      core.dispose(gradients);
      gradients = measured.total;
      const [value, logits] = await Promise.all([measured.value.data(), measured.logits.data()]);
      core.dispose([measured.value, measured.logits]);
      loss += value[0]! * share;
      correct += countCorrect(logits as Float32Array, part.labels);
      first += count;
    }
    return { loss, correct, gradients };
  }

  #differentiate(batch: Batch, trained: readonly string[]): { value: Scalar; grads: Tensor[]; logits: Tensor } {
    const { core } = this.#tf;
    const smoothing = this.#program.config.train.loss.cross_entropy.label_smoothing;
    const images = this.#images(batch);
    const statistics = new Map<string, BatchStatistics>();
    let logits: Tensor2D | undefined;
    const lossOf = (...values: Tensor[]): Scalar => {
      const tensors = new Map(this.#tensors);
      trained.forEach((name, index) => tensors.set(name, values[index]!));
      const onStatistics = (node: string, { mean, variance }: BatchStatistics): void => {
        statistics.set(node, { mean: core.keep(mean), variance: core.keep(variance) });
      };
      logits = core.keep(forward({ ...this.#context, tensors, onStatistics }, this.#program.graph, images));
      return this.#crossEntropy(logits, batch, smoothing);
    };
    const { value, grads } = core.valueAndGrads(lossOf)(trained.map((name) => this.#tensors.get(name)!));
    this.#moveStatistics(statistics);
    const copy = logits!.clone();
    core.dispose(logits!);
    return { value, grads, logits: copy };
  }

  async #normOf(gradients: readonly Tensor[]): Promise<number> {
    let sum = 0; // in double precision, which no float32 gradient's square leaves
    for (const gradient of gradients) for (const value of await gradient.data()) sum += value * value;
    return Math.sqrt(sum);
  }

  #clipped(gradients: readonly Tensor[], norm: number): readonly Tensor[] {
    const clip = this.#program.config.train.gradient_clip;
    if (clip === null || norm <= clip.norm) return gradients;
    return gradients.map((gradient) => this.#tf.core.mul(gradient, clip.norm / (norm + 1e-6)));
  }

  async findNonFinite(batch: Batch, hyper: StepHyper): Promise<string | undefined> {
    const { core } = this.#tf;
    await core.setBackend(this.#kernels.backend);
    const { graph, config } = this.#program;
    const unsound = firstNonFinite(graph, await this.readState());
    if (unsound !== undefined) return unsound;
    const before = this.#statistics().map((name) => [name, this.#tensors.get(name)!.clone()] as const);
    let [first, found] = [0, undefined as string | undefined];
    for (const count of partsOf(batch.count, config.train)) {
      found ??= core.tidy(() => this.#firstNonFinite(partOf(batch, first, count), this.#trainedAt(hyper)));
      first += count;
    }
    for (const [name, value] of before) this.#replace(name, value);
    return found;
  }

  /** Forward in the order of the nodes, then the gradients in the order in which they come about: the last node's first. */
  #firstNonFinite(batch: Batch, trained: readonly string[]): string | undefined {
    const { graph } = this.#program;
    let found: string | undefined;
    const onStatistics = (): void => {};
    const onValue = (name: string, value: Tensor): void => {
      if (!allFinite(value)) found ??= name;
    };
    forward({ ...this.#context, tensors: this.#tensors, onStatistics, onValue }, graph, this.#images(batch));
    if (found !== undefined) return found;
    const { grads } = this.#differentiate(batch, trained);
    const places = new Map(this.#parameters.map(({ name, node }) => [name, node]));
    const backwards = trained
      .map((name, index) => ({ name, gradient: grads[index]! }))
      .sort((one, other) => places.get(other.name)! - places.get(one.name)!);
    const first = backwards.find(({ gradient }) => !allFinite(gradient));
    return first && `${first.name} gradient`;
  }

  async evaluate(batch: Batch): Promise<EvaluationResult> {
    const { core } = this.#tf;
    await core.setBackend(this.#kernels.backend); // engines on tfjs share what is current
    const measured = core.tidy(() => {
      const tensors = new Map(this.#tensors);
      for (const name of this.#averaged()) tensors.set(name, this.#tensors.get(averageName(name))!);
      const context = { ...this.#context, tensors, onStatistics: null };
      const logits = forward(context, this.#program.graph, this.#images(batch));
      return { logits, loss: this.#crossEntropy(logits, { labels: batch.labels }, 0) };
    });
    const loss = (await measured.loss.data())[0]!;
    const logits = Float32Array.from(await measured.logits.data());
    core.dispose([measured.loss, measured.logits]);
    return { loss, correct: countCorrect(logits, batch.labels), logits };
  }

  get #context() {
    return { tf: this.#tf, kernels: this.#kernels };
  }

  async readState(): Promise<State> {
    const state = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const [name, tensor] of this.#tensors) {
      state.set(name, { shape: [...tensor.shape], data: Float32Array.from(await tensor.data()) });
    }
    return state;
  }

  async writeState(state: State): Promise<void> {
    await this.#tf.core.setBackend(this.#kernels.backend);
    for (const [name, { shape }] of state) {
      const own = this.#tensors.get(name);
      if (!own) throw new Error(`this network has no tensor ${name}`);
      if (own.shape.join() !== shape.join()) {
        throw new Error(`${name} has the shape [${shape.join()}], expected [${own.shape.join()}]`);
      }
    }
    for (const [name, { shape, data }] of state) {
      // A copy: the cpu backend would keep the caller's own array.
      this.#replace(name, this.#tf.core.tensor(Float32Array.from(data), [...shape], "float32"));
    }
  }

  async dispose(): Promise<void> {
    this.#tf.core.dispose([...this.#tensors.values()]);
    this.#tensors.clear();
  }

  #images({ count, images }: Batch): Tensor4D {
    const { height, width, channels } = this.#program.config.model.input;
    invariant(images.length === count * height * width * channels, "images fill their batch");
    const normalized = normalizeImages(images, this.#program.config.data.normalize);
    return this.#tf.core.tensor4d(normalized, [count, height, width, channels]);
  }

  /**
   * Mean over the batch against (1 − smoothing) · one-hot + smoothing / classes (Szegedy et al. 2015, §7); of a mixed image,
   * the one-hot vectors of both labels by their shares (Zhang et al. 2017, §2).
   */
  #crossEntropy(logits: Tensor2D, { labels, mixed }: Pick<Batch, "labels" | "mixed">, smoothing: number): Scalar {
    const { core } = this.#tf;
    const classes = logits.shape[1];
    const oneHot = (of: Int32Array): Tensor => core.oneHot(core.tensor1d(of, "int32"), classes);
    let hot = oneHot(labels);
    if (mixed) {
      const share = core.tensor2d(mixed.shares, [mixed.shares.length, 1]);
      hot = core.add(core.mul(hot, share), core.mul(oneHot(mixed.labels), core.sub(1, share)));
    }
    const targets = core.add(core.mul(hot, 1 - smoothing), smoothing / classes);
    return core.neg(core.mean(core.sum(core.mul(core.logSoftmax(logits), targets), 1)));
  }

  /** Names of the parameters that the step changes. */
  #trainedAt({ step }: StepHyper): string[] {
    const { plan } = this.#program;
    const phase = phaseAt(plan, step - 1);
    return [...this.#trained].flatMap(([name, { rateIndex }]) => (isFrozenIn(plan, rateIndex, phase) ? [] : name));
  }

  #update(names: readonly string[], gradients: readonly Tensor[], hyper: StepHyper): void {
    const rates = groupRates(this.#program.plan, hyper);
    names.forEach((name, index) => {
      const { rule, rateIndex } = this.#trained.get(name)!;
      const slots = this.#slots(name);
      const current = { value: this.#tensors.get(name)!, slots: slots.map((slot) => this.#tensors.get(slot)!) };
      const at = { rate: rates[rateIndex]!, updates: updatesOf(hyper) };
      const next = update(this.#tf, rule, current, gradients[index]!, at);
      this.#replace(name, next.value);
      slots.forEach((slot, at) => this.#replace(slot, next.slots[at]!));
    });
  }

  #moveStatistics(batch: ReadonlyMap<string, BatchStatistics>): void {
    for (const { name, op } of this.#program.graph.nodes) {
      if (op.kind !== "batch_norm") continue;
      const { mean, variance } = batch.get(name)!;
      this.#blend(`${name}.running_mean`, mean, op.momentum);
      this.#blend(`${name}.running_var`, variance, op.momentum);
    }
  }

  #moveAverages(step: number): void {
    const { add, mul, sub } = this.#tf.core;
    const { config, plan } = this.#program;
    const share = averageShare(config.train, plan, step);
    if (share === 0) return;
    for (const name of this.#averaged()) {
      const average = this.#tensors.get(averageName(name))!;
      const moved = add(average, mul(sub(this.#tensors.get(name)!, average), share));
      if (writesBack(config.train)) this.#replace(name, moved.clone());
      this.#replace(averageName(name), moved);
    }
  }

  #statistics(): string[] {
    return statisticsOf(this.#program.graph).map(({ name }) => name);
  }

  /** Parameters and statistics that have an average. */
  #averaged(): string[] {
    const { config, graph } = this.#program;
    return averagesWeights(config.train) ? [...this.#parameters, ...statisticsOf(graph)].map(({ name }) => name) : [];
  }

  #blend(name: string, latest: Tensor, share: number): void {
    const { add, mul } = this.#tf.core;
    const own = this.#tensors.get(name)!;
    this.#replace(name, add(mul(own, 1 - share), mul(latest, share)));
    latest.dispose();
  }

  /** Keeps `next`, made inside a tidy or not, in place of the tensor of that name. */
  #replace(name: string, next: Tensor): void {
    this.#tensors.get(name)!.dispose();
    this.#tensors.set(name, this.#tf.core.keep(next));
  }

  #slots(parameter: string): string[] {
    const rule = this.#trained.get(parameter)?.rule;
    return rule ? slotNames(rule).map((slot) => `${parameter}.${slot}`) : [];
  }
}

function allFinite(tensor: Tensor): boolean {
  return tensor.dataSync().every(Number.isFinite);
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
