// The tf.LayersModel: the same network as the engine trains, of stock layers, through a file and back without losing a bit.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { compileText } from "../../../src/compiler/compile.js";
import { invariant } from "../../../src/compiler/diagnostics/diagnostic.js";
import type { Window } from "../../../src/compiler/network/graph.js";
import { inferShapes } from "../../../src/compiler/network/infer-shapes.js";
import { parametersOf } from "../../../src/compiler/network/parameters.js";
import type { Program } from "../../../src/compiler/program.js";
import { densePrice, densePriceText } from "../../../src/compiler/targets/dense-filter.js";
import {
  isDepthwise,
  buildTfjsModel,
  stateToTfjs,
  type Tfjs,
  tfjsToState,
} from "../../../src/compiler/targets/tfjs.js";
import { createLoader } from "../../../src/runtime/data/loader.js";
import { openDataset } from "../../../src/runtime/data/open-dataset.js";
import { averageName } from "../../../src/compiler/training/weight-average.js";
import type { Batch } from "../../../src/runtime/engines/engine.js";
import { tfjsCpuEngine } from "../../../src/runtime/engines/tfjs/engine.js";
import { loadTfjs } from "../../../src/runtime/engines/tfjs/load-tfjs.js";
import { normalizeImages } from "../../../src/runtime/engines/tfjs/normalize-images.js";
import { wasmEngine } from "../../../src/runtime/engines/wasm/engine.js";
import { preprocessingOf } from "../../../src/runtime/export/preprocessing.js";
import { saveTfjsModel, tfjsFiles } from "../../../src/runtime/export/tfjs/save-tfjs-model.js";
import { train } from "../../../src/runtime/training/trainer.js";
import { symmetric } from "../../oracle/counter-random.js";
import { batchOf, initialState } from "../../oracle/fixtures.js";
import type { OracleCase } from "../../oracle/networks.js";
import { oracleCases } from "../../oracle/networks.js";

/** Stock layers have no group norm: a layer norm stands in its place. */
const cases = oracleCases().map((oracle): OracleCase => {
  const nodes = oracle.program.graph.nodes.map((node) =>
    node.op.kind === "group_norm" ? { ...node, op: { kind: "layer_norm", eps: node.op.eps } as const } : node,
  );
  return { ...oracle, program: { ...oracle.program, graph: { nodes } } };
});
const small = cases.filter(({ name }) => !["resnet-20", "tutorial-96"].includes(name));
const residual = cases.find(({ name }) => name === "residual-adamw")!;

let tf: Tfjs;
beforeAll(async () => {
  tf = await loadTfjs();
});

describe("buildTfjsModel", () => {
  it.each(cases.map((oracle) => [oracle.name, oracle] as const))(
    "gives %s the shape and the parameters of its graph",
    (_, { program }) => {
      const model = buildTfjsModel(tf, program);
      const { shape } = program.graph.nodes.at(-1)!;
      const counted = parametersOf(program.graph).map(({ shape: own, node }) => {
        const { op, shape: outputs } = program.graph.nodes[node]!;
        return op.kind === "learned_scale" ? outputs.channels : product(own); // a filter of one pixel, for one factor too
      });
      expect(model.outputs[0]!.shape).toEqual([null, shape.channels]);
      const [sparse, dense] = densePrice(program.graph, isDepthwise).weights;
      expect(model.countParams()).toBe(sum(counted) + statisticsCount(program) + dense - sparse);
      model.dispose();
    },
  );

  it.each(small.map((oracle) => [oracle.name, oracle] as const))(
    "predicts for %s what the training engine evaluates to",
    async (_, oracle) => {
      const state = withStatistics(initialState(oracle));
      const batch = batchOf(oracle, 0);
      const session = await tfjsCpuEngine.open(oracle.program, {});
      await session.writeState(state);
      const { logits } = await session.evaluate(batch);
      await session.dispose();
      const model = buildTfjsModel(tf, oracle.program);
      stateToTfjs(tf, model, oracle.program.graph, state);
      const predicted = await predict(oracle.program, model, batch);
      model.dispose();
      // float32: the model adds a bias within its convolution, the engine after it
      expect(largestDistance(predicted, logits)).toBeLessThan(1e-5);
    },
  );

  it("never lets the padding of a max-pool win over values below zero", async () => {
    const program = maxPoolProgram();
    const model = buildTfjsModel(tf, program);
    const values = Array.from({ length: 2 * 4 * 5 }, (_, index) => -1 - ((index * 7) % 11));
    const input = tf.core.tensor4d(values, [1, 4, 5, 2]);
    const pooled = model.predict(input) as ReturnType<typeof tf.core.tensor4d>;
    const found = await pooled.data();
    tf.core.dispose([input, pooled]);
    model.dispose();
    expect([...found]).toEqual(maxPool(values, [4, 5, 2], poolWindow));
  });

  it("uses the running variance and the mean of batch norm as they stand in the state", async () => {
    const state = withStatistics(initialState(residual));
    const model = buildTfjsModel(tf, residual.program);
    stateToTfjs(tf, model, residual.program.graph, state);
    const norm = model.getLayer("stem.norm").getWeights();
    expect([...(await norm[3]!.data())]).toEqual([...state.get("stem.norm.running_var")!.data]);
    model.dispose();
  });
});

describe("densePrice", () => {
  it("counts what filters with zeros in them cost, and says so", () => {
    const { graph } = cases.find(({ name }) => name === "convolutions-in-groups")!.program;
    const price = densePrice(graph, isDepthwise);
    // Of 24 inputs in 4 groups each output reads 6; 5×5 stands for 3×3 dilated by 2, 7×7 by 3, which a depthwise layer keeps apart
    expect(price.nodes).toEqual(["grouped.conv", "dilated.conv", "wide.conv", "shares"]);
    expect(price.weights).toEqual([9 * (6 * 16 + 16 * 9 + 9 + 3 * 6), 9 * (24 * 16 + 9 * 6) + 25 * 16 * 9 + 49 * 9]);
    expect(densePriceText(price)).toMatch(
      /^no stock layer has .* of grouped.conv and 3 more are dense, .* 7,983 instead/,
    );
    expect(densePriceText(densePrice(residual.program.graph, isDepthwise))).toBeUndefined();
  });
});

it("refuses by name what no stock layer is for", async () => {
  const { program } = oracleCases().find(({ name }) => name === "scaled-and-dropped")!;
  const refused = tfjsFiles(program, new Map(), undefined);
  await expect(refused).rejects.toThrow(
    "the network has groups, a group norm, for which TensorFlow.js has no stock layer",
  );
});

describe("stateToTfjs and tfjsToState", () => {
  it.each(
    cases
      .slice(0, 1)
      .concat(small)
      .map((oracle) => [oracle.name, oracle] as const),
  )("carry every bit of %s there and back, odd ones included", async (_, oracle) => {
    const state = withStatistics(initialState(oracle));
    const first = [...state.values()][0]!.data;
    first.set([-0, 1e-45, Number.MIN_VALUE, 3.4e38, Infinity, NaN].slice(0, first.length));
    const model = buildTfjsModel(tf, oracle.program);
    stateToTfjs(tf, model, oracle.program.graph, state);
    const back = await tfjsToState(model, oracle.program.graph);
    model.dispose();
    expect([...back.keys()].sort()).toEqual([...state.keys()].filter((name) => !name.endsWith(AVERAGE)).sort());
    for (const [name, { shape, data }] of back) {
      expect([...shape]).toEqual([...state.get(name)!.shape]);
      expect(bits(data)).toEqual(bits(state.get(name)!.data));
    }
  });
});

describe("saveTfjsModel", () => {
  let folder: string;
  let server: Server;
  let address: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "netc-tfjs-"));
    server = createServer((request, response) => {
      readFile(join(folder, request.url!)).then(
        (content) => response.end(content),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await new Promise((closed) => server.close(closed));
    await rm(folder, { recursive: true });
  });

  it("writes what a stock tf.loadLayersModel opens, with the same logits bit for bit", async () => {
    const oracle = cases.find(({ name }) => name === "odd-windows")!; // has the bordered max-pool
    const state = initialState(oracle);
    await saveTfjsModel(oracle.program, state, join(folder, "model"));
    const loaded = await tf.layers.loadLayersModel(`${address}/model/model.json`);
    const built = buildTfjsModel(tf, oracle.program);
    stateToTfjs(tf, built, oracle.program.graph, state);
    const batch = batchOf(oracle, 0);
    const expected = await predict(oracle.program, built, batch);
    expect(await predict(oracle.program, loaded, batch)).toEqual(expected);
    expect(await tfjsToState(loaded, oracle.program.graph)).toEqual(await tfjsToState(built, oracle.program.graph));
    built.dispose();
    loaded.dispose();
  });

  it("says of 256 test images what netc's own engine says, after training with it", async () => {
    const text = await readFile(new URL("../../../configs/smoke.yaml", import.meta.url), "utf8");
    const program = compileText(text, "smoke.yaml", {
      overrides: [
        "data.dataset.synthetic.test_images=256",
        "train.evaluation.batch_size=256",
        "train.weight_average.ema.decay=0.9",
      ],
    }).value;
    invariant(program, "configs/smoke.yaml compiles");
    const loader = createLoader(await openDataset(program.config.data, 0, () => {}), program.config);
    const session = await wasmEngine.open(program, { threads: 2 });
    await train(program, session, loader);
    const images = loader.test(0);
    const { logits } = await session.evaluate(images);
    await saveTfjsModel(program, await session.readState(), join(folder, "trained"));
    await session.dispose();

    const loaded = await tf.layers.loadLayersModel(`${address}/trained/model.json`);
    expect(images.count).toBe(256);
    // float32 sums in another order, and Winograd's rounding
    expect(largestDistance(await predict(program, loaded, images), logits)).toBeLessThan(1e-4);
    loaded.dispose();
  });

  it("tells in the model's metadata how images are prepared and what the classes are", async () => {
    const classes = ["airplane", "automobile", "bird", "cat", "deer"];
    await saveTfjsModel(residual.program, initialState(residual), join(folder, "named"), classes);
    const loaded = await tf.layers.loadLayersModel(`${address}/named/model.json`);
    expect(loaded.getUserDefinedMetadata()).toEqual({
      name: "residual-adamw",
      input: [12, 12, 3],
      preprocessing: preprocessingOf(residual.program.config, { layout: "NHWC", type: "float32" }),
      classes,
    });
    loaded.dispose();
  });

  it("replaces an older model as a whole and leaves nothing else behind", async () => {
    const path = join(folder, "twice");
    await saveTfjsModel(residual.program, initialState(residual), path);
    await writeFile(join(path, "left-over"), "of the older model");
    await saveTfjsModel(residual.program, initialState(residual), path);
    expect((await readdir(path)).sort()).toEqual(["model.json", "weights.bin"]);
    expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("leaves the older model as it was when the new one cannot be written", async () => {
    const path = join(folder, "kept");
    await saveTfjsModel(residual.program, initialState(residual), path);
    const before = await readFile(join(path, "weights.bin"));
    await expect(saveTfjsModel(residual.program, new Map(), path)).rejects.toThrow("the state lacks");
    expect(await readFile(join(path, "weights.bin"))).toEqual(before);
  });

  it("prints nothing and leaves no tensor behind", async () => {
    const printed = vi.spyOn(console, "warn");
    const before = tf.core.memory().numTensors;
    await saveTfjsModel(residual.program, initialState(residual), join(folder, "quiet"));
    expect(tf.core.memory().numTensors).toBe(before);
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();
  });
});

// ---------------------------------------------------------------- helpers

async function predict(
  program: Program,
  model: ReturnType<typeof buildTfjsModel>,
  batch: Batch,
): Promise<Float32Array> {
  const { height, width, channels } = program.config.model.input;
  const images = normalizeImages(batch.images, program.config.data.normalize);
  const input = tf.core.tensor4d(images, [batch.count, height, width, channels]);
  const output = model.predict(input) as typeof input;
  const logits = Float32Array.from(await output.data());
  tf.core.dispose([input, output]);
  return logits;
}

type MutableState = Map<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;

/** Running statistics that are not the initial ones; averages of the weights, which are evaluated with, equal to them. */
function withStatistics(state: ReturnType<typeof initialState>): MutableState {
  const found: MutableState = new Map();
  [...state].forEach(([name, { shape, data }], index) => {
    const own = found.get(name.replace(AVERAGE, ""));
    if (own) found.set(name, own);
    else if (!name.includes("running_")) found.set(name, { shape, data });
    else {
      const drawn = new Float32Array(symmetric(8, index, data.length));
      found.set(name, { shape, data: name.endsWith("running_var") ? drawn.map((value) => 1.1 + value) : drawn });
    }
  });
  return found;
}

/** What `averageName` appends. */
const AVERAGE = averageName("");

const poolWindow: Window = {
  kernel: [2, 3],
  stride: [2, 2],
  padding: { top: 1, bottom: 0, left: 1, right: 2 },
};

/** input → max-pool, with no more: its output is a map. */
function maxPoolProgram(): Program {
  const nodes = [
    {
      name: "input",
      op: { kind: "input" as const, height: 4, width: 5, channels: 2 },
      inputs: [],
      origin: [],
    },
    { name: "pool", op: { kind: "max_pool" as const, ...poolWindow }, inputs: [0], origin: [] },
  ];
  const graph = inferShapes({ nodes }).value;
  invariant(graph, "the window fits");
  return { ...residual.program, graph };
}

function maxPool(
  values: readonly number[],
  [height, width, channels]: readonly [number, number, number],
  { kernel, stride, padding }: Window,
): number[] {
  const rows = Math.floor((height + padding.top + padding.bottom - kernel[0]) / stride[0]) + 1;
  const columns = Math.floor((width + padding.left + padding.right - kernel[1]) / stride[1]) + 1;
  const found = new Array<number>(rows * columns * channels).fill(-Infinity);
  found.forEach((_, at) => {
    const channel = at % channels;
    const column = Math.floor(at / channels) % columns;
    const row = Math.floor(at / channels / columns);
    for (let dy = 0; dy < kernel[0]; dy++) {
      for (let dx = 0; dx < kernel[1]; dx++) {
        const y = row * stride[0] - padding.top + dy;
        const x = column * stride[1] - padding.left + dx;
        if (y < 0 || y >= height || x < 0 || x >= width) continue;
        found[at] = Math.max(found[at]!, values[(y * width + x) * channels + channel]!);
      }
    }
  });
  return found;
}

function statisticsCount({ graph }: Program): number {
  const norms = graph.nodes.filter(({ op }) => op.kind === "batch_norm");
  return sum(norms.map(({ shape }) => 2 * shape.channels));
}

function largestDistance(one: Float32Array, other: Float32Array): number {
  return Math.max(...one.map((value, at) => Math.abs(value - other[at]!)));
}

function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function product(values: readonly number[]): number {
  return values.reduce((total, value) => total * value, 1);
}
