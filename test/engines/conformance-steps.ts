// What every engine does around a step: micro-batches that add up to a batch, what is frozen, steps that are no good, and
// callers that ask for what cannot be.
import { describe, expect, it } from "vitest";
import { parametersOf, statisticsOf } from "../../src/compiler/network/parameters.js";
import { compileText } from "../../src/compiler/compile.js";
import type { Program } from "../../src/compiler/program.js";
import type { Batch, Session, StepHyper } from "../../src/runtime/engines/engine.js";
import { initialize, stateFromImages } from "../../src/runtime/training/initialize.js";
import { graphOf, programOf, randomBatch, randomState, square } from "../reference/build-program.js";
import { networks } from "../reference/networks.js";

type Open = (program: Program) => Promise<Session>;

const sgd = { sgd: { momentum: 0.9, nesterov: false, weight_decay: 0, decoupled: false, decay_norm_and_bias: true } };
const hyper = { learningRate: 0.05, step: 1 };

export function describeMicroBatches(open: Open): void {
  it("trains a network without norms in micro-batches as in whole batches, up to rounding", async () => {
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

    it("in one micro-batch: the whole step changes nothing", async () => {
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

/** The sentences are those of every engine. */
export function describeRefusals(open: Open): void {
  describe("refuses what a caller cannot mean, in a sentence, and changes nothing", () => {
    const program = programOf(networks["no norm"]!, { batch: 4, optimizer: sgd });
    const { height, width, channels } = program.config.model.input;
    const { classes } = program.config.model.classifier;
    const pixels = height * width * channels;
    const good = randomBatch(program, 4, 3);
    const mixed = { labels: good.labels, shares: new Float32Array(4).fill(1) };
    const withLabel = (label: number): Batch => ({
      ...good,
      labels: good.labels.map((own, at) => (at === 2 ? label : own)),
    });
    const size = `4 × ${height} × ${width} × ${channels}`;
    const values = (found: string): string =>
      `images of a batch of ${size} must be ${4 * pixels} values of a Uint8Array, found ${found}`;
    const range = `labels must be class indices from 0 to ${classes - 1}, but that of image 2 is`;

    const batches: readonly (readonly [string, Batch, string])[] = [
      ["no image", { ...good, count: 0 }, "a batch's count must be a whole number of at least 1, found 0"],
      ["half an image", { ...good, count: 2.5 }, "a batch's count must be a whole number of at least 1, found 2.5"],
      ["too few pixels", { ...good, images: good.images.slice(1) }, values(`${4 * pixels - 1} of a Uint8Array`)],
      [
        "more pixels than images",
        { ...good, images: new Uint8Array(5 * pixels) },
        values(`${5 * pixels} of a Uint8Array`),
      ],
      [
        "pixels that are normalised already",
        { ...good, images: new Float32Array(4 * pixels) as unknown as Uint8Array },
        values(`${4 * pixels} of a Float32Array`),
      ],
      ["no pixels", { ...good, images: undefined as unknown as Uint8Array }, values("undefined")],
      [
        "too few labels",
        { ...good, labels: good.labels.slice(1) },
        "labels of a batch of 4 images must be 4 values of an Int32Array, found 3 of an Int32Array",
      ],
      [
        "labels in a plain array",
        { ...good, labels: [...good.labels] as unknown as Int32Array },
        "labels of a batch of 4 images must be 4 values of an Int32Array, found 4 of an Array",
      ],
      ["a label that is no class", withLabel(classes), `${range} ${classes}`],
      ["a label below 0", withLabel(-1), `${range} -1`],
      [
        "more images than a run has",
        randomBatch(program, 5000, 1),
        "a batch of 5000 images is larger than any that the session was opened for: the largest has",
      ],
    ];
    const hypers: readonly (readonly [string, StepHyper, string])[] = [
      [
        "a rate that is none",
        { ...hyper, learningRate: Number.NaN },
        "the learning rate must be a finite number, found NaN",
      ],
      ["a step before the first", { ...hyper, step: 0 }, "step must be a whole number of at least 1, found 0"],
      [
        "more steps left out than there were",
        { ...hyper, skipped: 1 },
        "skipped must be a whole number below step (1), found 1",
      ],
    ];

    it.each(batches)("%s", async (_, batch, sentence) => {
      const session = await open(program);
      const before = await session.readState();
      const asked = [session.step(batch, hyper), session.evaluate(batch), session.findNonFinite(batch, hyper)];
      for (const promise of asked) expect(await refusalOf(promise)).toContain(sentence);
      expect(await session.readState()).toEqual(before);
      expect((await session.evaluate(good)).logits).toHaveLength(4 * classes);
      await session.dispose();
    });

    it.each(hypers)("%s", async (_, strange, sentence) => {
      const session = await open(program);
      const asked = [session.step(good, strange), session.findNonFinite(good, strange)];
      for (const promise of asked) expect(await refusalOf(promise)).toContain(sentence);
      await session.dispose();
    });

    it("images that are mixed where the file mixes none, and shares that are none", async () => {
      const sentence = "the batch's images are mixed, but the file has neither mixup nor cutmix";
      const session = await open(program);
      expect(await refusalOf(session.step({ ...good, mixed }, hyper))).toBe(sentence);
      await session.dispose();
      const { data } = program.config;
      const augment = [{ mixup: { alpha: 1, probability: 1 } }];
      const mixing = await open({ ...program, config: { ...program.config, data: { ...data, augment } } });
      const shares = Float32Array.of(1, 1.5, 1, 1);
      const strange = mixing.step({ ...good, mixed: { ...mixed, shares } }, hyper);
      expect(await refusalOf(strange)).toBe("mixed.shares must lie between 0 and 1, but that of image 1 is 1.5");
      await mixing.dispose();
    });

    it("two things at once, and anything once it is closed", async () => {
      const session = await open(program);
      const first = session.step(good, hyper);
      const sentence = "the session does one thing at a time: this was asked for before the last one ended";
      expect(await refusalOf(session.evaluate(good))).toBe(sentence);
      await first;
      await session.dispose();
      expect(await refusalOf(session.evaluate(good))).toBe("the session is closed");
      expect(await refusalOf(session.readState())).toBe("the session is closed");
      await session.dispose();
    });

    it("to be closed before what is being computed has ended", async () => {
      const session = await open(program);
      const step = session.step(good, hyper);
      await session.dispose();
      expect((await step).loss).toBeGreaterThan(0);
    });
  });
}

/** Filters that whiten are computed from images, which a session is not opened with. */
export function describeImages(open: Open): void {
  it("takes no step before filters that whiten have been computed, or written", async () => {
    const text = `
name: demo
data: { dataset: { synthetic: { train_images: 40, test_images: 8, height: 9, width: 8 } } }
model:
  stem: { channels: 24, kernel: 2, whitening: { images: 40 }, norm: none }
  stages: [{ channels: 24, blocks: 1 }]
train: { epochs: 1, batch_size: 8, learning_rate: 0.1, weight_average: ema }
`;
    const program = compileText(text, "file.yaml").value!;
    const { images } = randomBatch(program, 40, 1);
    const batch = randomBatch(program, 8, 2);
    const session = await open(program);
    const sentence =
      "stem.conv.weight is computed from training images: begin with `train`, " +
      "with `session.initializeFromImages(loader.plain)`, or with a state to write";
    const asked = [session.step(batch, hyper), session.evaluate(batch)];
    for (const promise of asked) expect(await refusalOf(promise)).toContain(sentence);
    await session.initializeFromImages!(() => images);
    const state = await session.readState();
    const filters = stateFromImages(program.config, () => images).get("stem.conv.weight")!.data;
    for (const name of ["stem.conv.weight", "stem.conv.weight.average"]) expect(state.get(name)!.data).toEqual(filters);
    await session.step(batch, hyper);
    await session.initializeFromImages!(() => images.map(() => 0)); // they are there
    expect((await session.readState()).get("stem.conv.weight")!.data).toEqual(filters);
    await session.dispose();

    const other = await open(program);
    await other.writeState(state);
    await other.evaluate(batch);
    await other.dispose();
  });

  it("begins with the state that the seed draws", async () => {
    const program = programOf(networks["an identity shortcut"]!, { batch: 4 });
    const session = await open(program);
    const state = await session.readState();
    for (const [name, tensor] of initialize(program.graph, program.config)) expect(state.get(name)).toEqual(tensor);
    await session.dispose();
  });
}

/** Of a promise that a UserError rejects. */
async function refusalOf(asked: Promise<unknown>): Promise<string> {
  const [answer] = await Promise.allSettled([asked]);
  expect(answer).toMatchObject({ status: "rejected", reason: { name: "UserError" } });
  return (answer as PromiseRejectedResult).reason.message;
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
