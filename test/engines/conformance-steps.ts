// What every engine does between gradients and update: parts that add up to a batch, what is frozen, and steps that are
// no good.
import { describe, expect, it } from "vitest";
import { parametersOf, statisticsOf } from "../../src/compiler/network/parameters.js";
import { compileText } from "../../src/compiler/compile.js";
import type { Program } from "../../src/compiler/program.js";
import type { Session } from "../../src/runtime/engines/engine.js";
import { graphOf, programOf, randomBatch, randomState, square } from "../reference/build-program.js";
import { networks } from "../reference/networks.js";

type Open = (program: Program) => Promise<Session>;

const sgd = { sgd: { momentum: 0.9, nesterov: false, weight_decay: 0, decoupled: false, decay_norm_and_bias: true } };
const hyper = { learningRate: 0.05, step: 1 };

export function describeParts(open: Open): void {
  it("trains a network without norms in parts of a batch as in whole batches, up to rounding", async () => {
    const graph = networks["no norm"]!;
    const whole = programOf(graph, { batch: 12, optimizer: sgd });
    const start = stateOf(whole);
    const states = [];
    for (const accumulate of [1, 2, 4, 12]) {
      const program = withTraining(whole, { accumulate });
      const session = await open(program);
      await session.writeState(start);
      const steps = [12, 12, 7].map((count, index) => randomBatch(program, count, 40 + index));
      const results = [];
      for (const [index, batch] of steps.entries()) {
        results.push(await session.step(batch, { ...hyper, step: index + 1 }));
      }
      states.push({ results, state: await session.readState() });
      await session.dispose();
    }
    const [first, ...others] = states;
    for (const { results, state } of others) {
      results.forEach(({ loss, correct, gradientNorm }, index) => {
        expect(loss).toBeCloseTo(first!.results[index]!.loss, 5);
        expect(gradientNorm).toBeCloseTo(first!.results[index]!.gradientNorm, 4);
        expect(correct).toBe(first!.results[index]!.correct);
      });
      for (const [name, { data }] of state) {
        const other = first!.state.get(name)!.data;
        const largest = Math.max(...other.map(Math.abs));
        // float32 sums of 12 images in another order, over three updates
        expect(Math.max(...data.map((value, at) => Math.abs(value - other[at]!)))).toBeLessThan(1e-5 * largest);
      }
    }
  });
}

export function describeFrozenAverage(open: Open): void {
  it("lets Lookahead take a frozen group to its average once, and leaves it there", async () => {
    const text = `
name: demo
data: { dataset: { synthetic: { train_images: 16, test_images: 8, height: 8, width: 8 } } }
model: { stem: { channels: 8 }, stages: [{ channels: 8, blocks: 1 }] }
train:
  epochs: 10
  batch_size: 4
  optimizer: sgd
  learning_rate: 0.1
  groups: [{ layers: [stem.conv], epochs: 0.5 }] # frozen after two steps
  weight_average: { lookahead: { every_steps: 3, decay: 0.25 } }
`;
    const program = compileText(text, "file.yaml").value!;
    const session = await open(program);
    await session.writeState(await randomStateIn(session));
    const values: Float32Array[] = [];
    const averages: Float32Array[] = [];
    for (let step = 0; step <= 7; step++) {
      if (step > 0) await session.step(randomBatch(program, 4, step), { learningRate: 0.1, step });
      const state = await session.readState();
      values.push(state.get("stem.conv.weight")!.data);
      averages.push(state.get("stem.conv.weight.average")!.data);
    }
    await session.dispose();
    expect(values[2]).not.toEqual(values[1]);
    const taken = values[0]!.map((old, at) => old + 0.75 * (values[2]![at]! - old)); // the average began where the weights did
    const distance = Math.max(...values[3]!.map((value, at) => Math.abs(value - taken[at]!)));
    expect(distance).toBeLessThan(1e-6); // float32, values near 1
    for (const later of [4, 5, 6, 7]) expect(values[later]).toEqual(values[3]);
    expect(averages[7]).toEqual(values[7]);
  });
}

/** Averages as the tensors that they are of. */
async function randomStateIn(session: Session) {
  const state = await session.readState();
  let seed = 1;
  const own = [...state].filter(([name]) => !name.endsWith(".average"));
  for (const [name, { data }] of own) {
    if (!name.endsWith("running_var")) data.forEach((_, at) => (data[at] = Math.sin(seed++ * 12.9898) / 2));
    state.get(`${name}.average`)?.data.set(data);
  }
  return state;
}

export function describeNonFinite(open: Open): void {
  describe("meets numbers that are none", () => {
    const batch = 4;
    const graph = graphOf(
      [6, 6, 3],
      [
        ["conv1", { kind: "conv2d", channels: 4, bias: false, ...square(3, 1, 1) }],
        ["norm1", { kind: "batch_norm", eps: 1e-5, momentum: 0.1, scale: true }],
        ["activation1", { kind: "relu" }],
        ["conv2", { kind: "conv2d", channels: 5, bias: false, ...square(3, 1, 1) }],
        ["conv3", { kind: "conv2d", channels: 4, bias: false, ...square(1) }],
        ["pooling", { kind: "global_average_pool" }],
        ["classifier", { kind: "linear", features: 3, bias: true }],
      ],
    );
    const program = withTraining(programOf(graph, { batch, optimizer: sgd }), {
      weight_average: { ema: { decay: 0.5 } },
    });
    const images = randomBatch(program, batch, 3);

    /** A session whose tensors are multiplied as `factors` says, and their state. */
    const openWith = async (factors: Readonly<Record<string, number>>, asked: Program = program) => {
      const session = await open(asked);
      const state = new Map(stateOf(asked));
      for (const [name, factor] of Object.entries(factors)) {
        const { shape, data } = state.get(name)!;
        state.set(name, { shape, data: data.map((value) => value * factor) });
      }
      await session.writeState(state);
      return session;
    };

    it("in the forward pass: the step changes nothing, and its first tensor is named", async () => {
      const session = await openWith({ "conv2.weight": 1e30, "conv3.weight": 1e30 });
      const before = await session.readState();
      const { loss, gradientNorm } = await session.step(images, hyper);
      expect(Number.isFinite(loss) && Number.isFinite(gradientNorm)).toBe(false);
      expect(await session.readState()).toEqual(before);
      expect(await session.findNonFinite(images, hyper)).toMatch(/^conv3/);
      expect(await session.readState()).toEqual(before);
      await session.dispose();
    });

    it("in the backward pass alone: the loss is finite, the step changes nothing, a gradient is named", async () => {
      const session = await openWith({ "conv2.weight": 1e-18, "conv3.weight": 1e25, "classifier.weight": 1e16 });
      const before = await session.readState();
      const { loss, gradientNorm } = await session.step(images, hyper);
      expect(loss).toBeGreaterThan(0);
      expect(Number.isFinite(loss)).toBe(true);
      expect(Number.isFinite(gradientNorm)).toBe(false);
      expect(await session.readState()).toEqual(before);
      expect(await session.findNonFinite(images, hyper)).toMatch(/^conv[23].*gradient$/);
      await session.dispose();
    });

    it("in the weights: the tensor is named, and only it", async () => {
      const session = await openWith({ "conv2.weight": Number.NaN });
      const { loss } = await session.step(images, hyper);
      expect(loss).toBeNaN();
      expect(await session.findNonFinite(images, hyper)).toBe("conv2.weight");
      await session.dispose();
    });

    it("in one part of a batch: the whole step changes nothing", async () => {
      const session = await openWith(
        { "conv2.weight": 1e30, "conv3.weight": 1e30 },
        withTraining(program, { accumulate: 2 }),
      );
      const before = await session.readState();
      await session.step(images, hyper);
      expect(await session.readState()).toEqual(before);
      expect(await session.findNonFinite(images, hyper)).toMatch(/^conv3/);
      await session.dispose();
    });

    it("and goes on as if nothing had been", async () => {
      const [session, other] = [await openWith({}), await openWith({})];
      const whole = await session.readState();
      const bad = new Map([...whole].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]));
      bad.get("conv1.weight")!.data.fill(1e38);
      await session.writeState(bad);
      await session.step(images, hyper);
      await session.findNonFinite(images, hyper);
      await session.writeState(whole);
      expect(await session.findNonFinite(images, hyper)).toBeUndefined();
      expect(await session.step(images, hyper)).toEqual(await other.step(images, hyper));
      expect(await session.readState()).toEqual(await other.readState());
      await session.dispose();
      await other.dispose();
    });

    it("and the next update is Adam's first where the first step was left out", async () => {
      const adam = { adam: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0, decay_norm_and_bias: true } };
      const asked = programOf(graph, { batch, optimizer: adam });
      const [session, other] = [await openWith({ "conv2.weight": Number.NaN }, asked), await openWith({}, asked)];
      expect((await session.step(images, hyper)).loss).toBeNaN();
      await session.writeState(await other.readState());
      await session.step(images, { ...hyper, step: 2, skipped: 1 });
      await other.step(images, hyper);
      expect(await session.readState()).toEqual(await other.readState());
      await session.dispose();
      await other.dispose();
    });
  });
}

function withTraining(program: Program, training: Partial<Program["config"]["train"]>): Program {
  const { config } = program;
  return { ...program, config: { ...config, train: { ...config.train, ...training } } };
}

function stateOf(program: Program) {
  const state = randomState(program.graph, 11);
  return new Map(
    [...state].map(([name, values]) => [name, { shape: shapeOf(program, name), data: Float32Array.from(values) }]),
  );
}

function shapeOf({ graph }: Program, tensor: string): readonly number[] {
  const found = [...parametersOf(graph), ...statisticsOf(graph)].find(({ name }) => name === tensor);
  return found!.shape;
}
