// A Program opened on TensorFlow.js. Slow on the `cpu` backend and simple: the reference for netc's own engine.
import type { Scalar, Tensor, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { invariant } from "../../../compiler/diagnostic.js";
import { type Parameter, parametersOf, statisticsOf } from "../../../compiler/parameters.js";
import { parameterGroups } from "../../../compiler/parameter-groups.js";
import type { Program } from "../../../compiler/program.js";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";
import { groupRates, isFrozenIn, phaseAt } from "../../../compiler/training-phases.js";
import type { UpdateRule } from "../../../compiler/update-rule.js";
import { slotNames } from "../../../compiler/update-rule.js";
import { averageName, averageShare, averagesWeights, writesBack } from "../../../compiler/weight-average.js";
import type { Batch, EvaluationResult, Session, State, StepHyper, StepResult } from "../../engine.js";
import type { BatchStatistics } from "./batch-norm.js";
import { forward } from "./forward.js";
import { normalizeImages } from "./normalize-images.js";
import { update } from "./optimizer.js";

export class TfjsSession implements Session {
  readonly #tf: Tfjs;
  readonly #program: Program;
  readonly #parameters: readonly Parameter[];
  /** Rule and rate of every parameter that is not frozen throughout. */
  readonly #trained: ReadonlyMap<string, { readonly rule: UpdateRule; readonly rate: number }>;
  /** Parameters, running statistics and optimizer slots by their names in a State, in that order. */
  readonly #tensors = new Map<string, Tensor>();

  /** Parameters start at zero, running variances at one. */
  constructor(tf: Tfjs, program: Program) {
    this.#tf = tf;
    this.#program = program;
    this.#parameters = parametersOf(program.graph);
    const { trained } = parameterGroups(program.config, program.graph);
    this.#trained = new Map(
      trained.flatMap(({ parameters, rule, rate }) => parameters.map(({ name }) => [name, { rule, rate }] as const)),
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
    const smoothing = this.#program.config.train.loss.cross_entropy.label_smoothing;
    const measured = core.tidy(() => {
      const images = this.#images(batch);
      const statistics = new Map<string, BatchStatistics>();
      const trained = this.#trainedAt(hyper);
      let logits: Tensor2D | undefined;
      const lossOf = (...values: Tensor[]): Scalar => {
        const tensors = new Map(this.#tensors);
        trained.forEach((name, index) => tensors.set(name, values[index]!));
        const onStatistics = (node: string, { mean, variance }: BatchStatistics): void => {
          statistics.set(node, { mean: core.keep(mean), variance: core.keep(variance) });
        };
        logits = core.keep(forward({ tf: this.#tf, tensors, onStatistics }, this.#program.graph, images));
        return this.#crossEntropy(logits, batch, smoothing);
      };
      const { value, grads } = core.valueAndGrads(lossOf)(trained.map((name) => this.#tensors.get(name)!));
      this.#update(trained, grads, hyper);
      this.#moveStatistics(statistics);
      this.#moveAverages(hyper.step);
      const result = { loss: value, logits: logits!.clone() };
      core.dispose(logits!);
      return result;
    });
    const [loss, logits] = await Promise.all([measured.loss.data(), measured.logits.data()]);
    const result = { loss: loss[0]!, correct: countCorrect(logits as Float32Array, batch.labels) };
    core.dispose([measured.loss, measured.logits]);
    return result;
  }

  async evaluate(batch: Batch): Promise<EvaluationResult> {
    const { core } = this.#tf;
    const measured = core.tidy(() => {
      const tensors = new Map(this.#tensors);
      for (const name of this.#averaged()) tensors.set(name, this.#tensors.get(averageName(name))!);
      const context = { tf: this.#tf, tensors, onStatistics: null };
      const logits = forward(context, this.#program.graph, this.#images(batch));
      return { logits, loss: this.#crossEntropy(logits, { labels: batch.labels }, 0) };
    });
    const loss = (await measured.loss.data())[0]!;
    const logits = Float32Array.from(await measured.logits.data());
    core.dispose([measured.loss, measured.logits]);
    return { loss, correct: countCorrect(logits, batch.labels), logits };
  }

  async readState(): Promise<State> {
    const state = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const [name, tensor] of this.#tensors) {
      state.set(name, { shape: [...tensor.shape], data: Float32Array.from(await tensor.data()) });
    }
    return state;
  }

  async writeState(state: State): Promise<void> {
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
    return [...this.#trained].flatMap(([name, { rate }]) => (isFrozenIn(plan, rate, phase) ? [] : name));
  }

  #update(names: readonly string[], gradients: readonly Tensor[], hyper: StepHyper): void {
    const rates = groupRates(this.#program.plan, hyper);
    names.forEach((name, index) => {
      const { rule, rate } = this.#trained.get(name)!;
      const slots = this.#slots(name);
      const current = { value: this.#tensors.get(name)!, slots: slots.map((slot) => this.#tensors.get(slot)!) };
      const at = { rate: rates[rate]!, step: hyper.step };
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
