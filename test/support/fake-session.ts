// A Session whose arithmetic is a few float32 operations that depend on every image, on the rate, on the step and on all
// of its own state: if anything of a run is lost between a stop and its resumption, its bits differ.
import type { Program } from "../../src/compiler/program.js";
import { parametersOf, statisticsOf } from "../../src/compiler/network/parameters.js";
import type {
  Batch,
  EvaluationResult,
  Session,
  State,
  StepHyper,
  StepResult,
} from "../../src/runtime/engines/engine.js";

export class FakeSession implements Session {
  readonly tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  readonly steps: number[] = [];
  /** Called before each step and evaluation; throws to play a kill. */
  before: (call: "step" | "evaluate") => void = () => {};
  /** The steps, from one up to and without another, whose loss is NaN, and the one whose update spoils a weight. */
  lossIsNaNAt = Infinity;
  lossIsGoodAgainAt = Infinity;
  weightIsNaNAfter = Infinity;

  constructor(program: Program) {
    for (const { name, shape } of [...parametersOf(program.graph), ...statisticsOf(program.graph)]) {
      const length = shape.reduce((product: number, size) => product * size, 1);
      this.tensors.set(name, { shape, data: new Float32Array(length) });
      if (!name.includes("running_")) {
        this.tensors.set(`${name}.momentum`, { shape, data: new Float32Array(length) });
      }
    }
  }

  async step(batch: Batch, { learningRate, step }: StepHyper): Promise<StepResult> {
    this.before("step");
    this.steps.push(step);
    const seen = checksum(batch);
    const isNaN = step >= this.lossIsNaNAt && step < this.lossIsGoodAgainAt;
    if (isNaN) return { loss: Number.NaN, correct: 0, gradientNorm: Number.NaN };
    let sum = 0;
    let place = 0;
    for (const [name, { data }] of this.tensors) {
      const momentum = this.tensors.get(`${name}.momentum`)?.data;
      place++;
      if (name.endsWith(".momentum")) continue;
      for (let index = 0; index < data.length; index++) {
        const gradient = Math.sin(seen + place + index) + 0.1 * data[index]!;
        if (momentum) momentum[index] = 0.9 * momentum[index]! + gradient;
        data[index] = data[index]! - learningRate * (momentum ? momentum[index]! : gradient * step);
        sum += data[index]!;
      }
    }
    if (step >= this.weightIsNaNAfter) this.tensors.get("stem.norm.weight")!.data[1] = Number.NaN;
    const loss = Math.fround(Math.abs(Math.sin(sum)));
    return { loss, correct: Math.floor(seen) % (batch.count + 1), gradientNorm: Math.abs(sum) };
  }

  async findNonFinite(): Promise<string | undefined> {
    return "stem.conv";
  }

  async evaluate(batch: Batch): Promise<EvaluationResult> {
    this.before("evaluate");
    let sum = 0;
    for (const { data } of this.tensors.values()) sum += data.reduce((total, value) => total + value, 0);
    const logits = Float32Array.from({ length: batch.count * 4 }, (_, index) => Math.sin(index + sum));
    return { loss: Math.abs(Math.sin(sum + checksum(batch))), correct: batch.count >> 1, logits };
  }

  async readState(): Promise<State> {
    const copy = [...this.tensors].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }] as const);
    return new Map(copy);
  }

  async writeState(state: State): Promise<void> {
    for (const [name, { data }] of state) this.tensors.get(name)!.data.set(data);
  }

  async dispose(): Promise<void> {}
}

/** Different for different images, order and labels. */
function checksum({ images, labels }: Batch): number {
  let sum = 0;
  for (let index = 0; index < images.length; index++) sum = (sum * 31 + images[index]!) % 1_000_003;
  for (const label of labels) sum = (sum * 31 + label) % 1_000_003;
  return sum;
}
