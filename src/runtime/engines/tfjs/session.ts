// A Program opened on TensorFlow.js. Slow on the `cpu` backend and simple: the reference for netc's own engine.
import type { Scalar, Tensor, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { parametersOf } from "../../../compiler/network/parameters.js";
import type { Program } from "../../../compiler/program.js";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";
import type { StateTensor } from "../../../compiler/training/state-tensors.js";
import { frozenNorms } from "../../../compiler/training/frozen-norms.js";
import { isFrozenIn } from "../../../compiler/training/training-phases.js";
import type { UpdateRule } from "../../../compiler/training/update-rule.js";
import { slotNames } from "../../../compiler/training/update-rule.js";
import { averageName, writesBack } from "../../../compiler/training/weight-average.js";
import type { Batch, EvaluationResult } from "../engine.js";
import type { KeptStatistics, MicroBatch } from "../engine-session.js";
import { countCorrect, EngineSession } from "../engine-session.js";
import type { StepControl } from "../step-control.js";
import type { BatchStatistics } from "./batch-norm.js";
import { forward } from "./forward.js";
import type { TfjsKernels } from "./kernels.js";
import { plainKernels } from "./kernels.js";
import { normalizeImages } from "./normalize-images.js";
import { update } from "./optimizer.js";

export class TfjsSession extends EngineSession {
  readonly #tf: Tfjs;
  readonly #kernels: TfjsKernels;
  /** Rule and rate of every parameter that is not frozen throughout. */
  readonly #rules: ReadonlyMap<string, { readonly rule: UpdateRule; readonly rateIndex: number }>;
  /** By the names of a State. */
  readonly #tensors = new Map<string, Tensor>();
  /** Of the step under way, over its micro-batches so far. */
  #gradients: Tensor[] = [];

  /** Every tensor starts at zero, running variances at one. */
  constructor(tf: Tfjs, program: Program, kernels: TfjsKernels = plainKernels) {
    super(program);
    this.#tf = tf;
    this.#kernels = kernels;
    this.#rules = new Map(
      this.trained.flatMap(({ parameters, rule, rateIndex }) =>
        parameters.map(({ name }) => [name, { rule, rateIndex }] as const),
      ),
    );
    const { zeros, ones } = tf.core;
    for (const { name, of, shape } of this.tensors.values()) {
      const isVariance = of.endsWith(".running_var");
      this.#tensors.set(name, isVariance ? ones([...shape]) : zeros([...shape]));
    }
  }

  protected async runMicroBatch(
    microBatch: MicroBatch,
    control: StepControl,
  ): Promise<{ loss: number; correct: number }> {
    const { core } = this.#tf;
    await core.setBackend(this.#kernels.backend); // engines on tfjs share what is current
    const { share, isFirst, labels } = microBatch;
    const measured = core.tidy(() => {
      const { value, grads, logits } = this.#differentiate(microBatch, control);
      const shares = share === 1 ? grads : grads.map((gradient) => core.mul(gradient, share));
      const sums = isFirst ? shares : shares.map((gradient, index) => core.add(this.#gradients[index]!, gradient));
      return { value, logits, sums };
    });
    core.dispose(this.#gradients);
    this.#gradients = measured.sums;
    const [value, logits] = await Promise.all([measured.value.data(), measured.logits.data()]);
    core.dispose([measured.value, measured.logits]);
    return { loss: value[0]!, correct: countCorrect(logits as Float32Array, labels) };
  }

  protected async runUpdate(loss: number, control: StepControl): Promise<number> {
    const { core } = this.#tf;
    const gradients = this.#gradients;
    const norm = await this.#normOf(gradients);
    if (Number.isFinite(loss) && Number.isFinite(norm)) {
      core.tidy(() => {
        this.#update(this.#clipped(gradients, norm), control);
        this.#moveAverages(control.averageShare);
      });
    }
    core.dispose(gradients);
    this.#gradients = [];
    return norm;
  }

  protected keepStatistics(): KeptStatistics {
    void this.#tf.core.setBackend(this.#kernels.backend); // at once, for a backend that was used before
    const kept = this.#namesOf("statistic").map((name) => [name, this.#tensors.get(name)!.clone()] as const);
    return {
      putBack: () => kept.forEach(([name, value]) => this.#replace(name, value)),
      letGo: () => this.#tf.core.dispose(kept.map(([, value]) => value)),
    };
  }

  #differentiate(batch: MicroBatch, control: StepControl): { value: Scalar; grads: Tensor[]; logits: Tensor } {
    const { core } = this.#tf;
    const smoothing = this.program.config.train.loss.cross_entropy.label_smoothing;
    const images = this.#images(batch);
    const statistics = new Map<string, BatchStatistics>();
    const context = this.#trainingContext(batch, control);
    const trained = this.#trainedIn(control);
    let logits: Tensor2D | undefined;
    const lossOf = (...values: Tensor[]): Scalar => {
      const tensors = new Map(this.#tensors);
      trained.forEach((name, index) => tensors.set(name, values[index]!));
      const onStatistics = (node: string, { mean, variance }: BatchStatistics): void => {
        statistics.set(node, { mean: core.keep(mean), variance: core.keep(variance) });
      };
      logits = core.keep(forward({ ...context, tensors, onStatistics }, this.program.graph, images));
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
    const clip = this.program.config.train.gradient_clip;
    if (clip === null || norm <= clip.norm) return gradients;
    return gradients.map((gradient) => this.#tf.core.mul(gradient, clip.norm / (norm + 1e-6)));
  }

  protected async inspect(microBatch: MicroBatch, control: StepControl): Promise<string | undefined> {
    const { core } = this.#tf;
    await core.setBackend(this.#kernels.backend);
    return core.tidy(() => this.#firstNonFinite(microBatch, control));
  }

  /** Forward in the order of the nodes, then the gradients in the order in which they come about: the last node's first. */
  #firstNonFinite(batch: MicroBatch, control: StepControl): string | undefined {
    const { graph } = this.program;
    const trained = this.#trainedIn(control);
    let found: string | undefined;
    const onStatistics = (): void => {};
    const onValue = (name: string, value: Tensor): void => {
      if (!allFinite(value)) found ??= name;
    };
    const context = { ...this.#trainingContext(batch, control), tensors: this.#tensors, onStatistics, onValue };
    forward(context, graph, this.#images(batch));
    if (found !== undefined) return found;
    const { grads } = this.#differentiate(batch, control);
    const places = new Map(parametersOf(graph).map(({ name, node }) => [name, node]));
    const backwards = trained
      .map((name, index) => ({ name, gradient: grads[index]! }))
      .sort((one, other) => places.get(other.name)! - places.get(one.name)!);
    const first = backwards.find(({ gradient }) => !allFinite(gradient));
    return first && `${first.name} gradient`;
  }

  protected async runEvaluation(batch: Batch): Promise<EvaluationResult> {
    const { core } = this.#tf;
    await core.setBackend(this.#kernels.backend); // engines on tfjs share what is current
    const measured = core.tidy(() => {
      const tensors = new Map(this.#tensors);
      for (const name of this.#averaged) tensors.set(name, this.#tensors.get(averageName(name))!);
      const context = { ...this.#context, draws: null, tensors, onStatistics: null };
      const logits = forward(context, this.program.graph, this.#images(batch));
      return { logits, loss: this.#crossEntropy(logits, { labels: batch.labels }, 0) };
    });
    const loss = (await measured.loss.data())[0]!;
    const logits = Float32Array.from(await measured.logits.data());
    core.dispose([measured.loss, measured.logits]);
    return { loss, correct: countCorrect(logits, batch.labels), logits };
  }

  #trainingContext({ index }: MicroBatch, { step, phase }: StepControl) {
    const draws = { seed: this.program.config.seed, step, microBatch: index };
    return { ...this.#context, draws, frozenNorms: frozenNorms(this.program, phase) };
  }

  get #context() {
    return { tf: this.#tf, kernels: this.#kernels };
  }

  protected async readTensor({ name }: StateTensor): Promise<Float32Array> {
    return Float32Array.from(await this.#tensors.get(name)!.data());
  }

  protected async writeTensor({ name, shape }: StateTensor, data: Float32Array): Promise<void> {
    await this.#tf.core.setBackend(this.#kernels.backend);
    // A copy: the cpu backend would keep the caller's own array
    this.#replace(name, this.#tf.core.tensor(Float32Array.from(data), [...shape], "float32"));
  }

  protected release(): void {
    this.#tf.core.dispose([...this.#tensors.values(), ...this.#gradients]);
  }

  #images({ count, images }: Batch): Tensor4D {
    const { height, width, channels } = this.program.config.model.input;
    const normalized = normalizeImages(images, this.program.config.data.normalize);
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
  #trainedIn({ phase }: StepControl): string[] {
    const { plan } = this.program;
    return [...this.#rules].flatMap(([name, { rateIndex }]) => (isFrozenIn(plan, rateIndex, phase) ? [] : name));
  }

  #update(gradients: readonly Tensor[], control: StepControl): void {
    this.#trainedIn(control).forEach((name, index) => {
      const { rule, rateIndex } = this.#rules.get(name)!;
      const slots = slotNames(rule).map((slot) => `${name}.${slot}`);
      const current = { value: this.#tensors.get(name)!, slots: slots.map((slot) => this.#tensors.get(slot)!) };
      const next = update(this.#tf, rule, current, gradients[index]!, control.groups[rateIndex]!);
      this.#replace(name, next.value);
      slots.forEach((slot, at) => this.#replace(slot, next.slots[at]!));
    });
  }

  #moveStatistics(batch: ReadonlyMap<string, BatchStatistics>): void {
    for (const { name, op } of this.program.graph.nodes) {
      const own = batch.get(name);
      if (op.kind !== "batch_norm" || !own) continue; // it keeps them
      const { mean, variance } = own;
      this.#blend(`${name}.running_mean`, mean, op.momentum);
      this.#blend(`${name}.running_var`, variance, op.momentum);
    }
  }

  #moveAverages(share: number): void {
    const { add, mul, sub } = this.#tf.core;
    if (share === 0) return;
    for (const name of this.#averaged) {
      const average = this.#tensors.get(averageName(name))!;
      const moved = add(average, mul(sub(this.#tensors.get(name)!, average), share));
      if (writesBack(this.program.config.train)) this.#replace(name, moved.clone());
      this.#replace(averageName(name), moved);
    }
  }

  /** Parameters and statistics that have an average. */
  get #averaged(): string[] {
    return this.#namesOf("parameter", "statistic").filter((name) => this.#tensors.has(averageName(name)));
  }

  #namesOf(...roles: StateTensor["role"][]): string[] {
    return [...this.tensors.values()].filter(({ role }) => roles.includes(role)).map(({ name }) => name);
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
}

function allFinite(tensor: Tensor): boolean {
  return tensor.dataSync().every(Number.isFinite);
}
