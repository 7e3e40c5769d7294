// A tour of netc for newcomers: one tiny network through every pass, each shown by what it hands to the next. Read from
// top to bottom; src/compiler/compile.ts and src/compiler/lower/lower.ts are the same walk without the pictures.
import type { SyntheticDataset } from "../src/compiler/config.js";
import { describe, expect, it, onTestFinished } from "vitest";
import { buildGraph } from "../src/compiler/network/build-graph.js";
import { positionAt } from "../src/compiler/diagnostics/code-frame.js";
import { formatShape } from "../src/compiler/network/infer-shapes.js";
import { loadConfig } from "../src/compiler/front/load-config.js";
import { allocate } from "../src/compiler/lower/placement/allocate.js";
import { fuse } from "../src/compiler/lower/step/fuse.js";
import { layoutParameters } from "../src/compiler/lower/placement/layout.js";
import { lower, trainingGraphOf } from "../src/compiler/lower/lower.js";
import { printStep } from "../src/compiler/lower/placement/print-step.js";
import { selectKernels } from "../src/compiler/lower/kernels/select-kernels.js";
import { parameterGroups } from "../src/compiler/training/parameter-groups.js";
import { parametersOf } from "../src/compiler/network/parameters.js";
import { locate, parse } from "../src/compiler/front/parse.js";
import { learningRateAt, plan } from "../src/compiler/training/plan.js";
import { printConfig } from "../src/compiler/front/yaml/print-config.js";
import { createLoader } from "../src/runtime/data/loader.js";
import { generateSynthetic } from "../src/runtime/data/synthetic.js";
import { openWasmSession } from "../src/runtime/engines/wasm/session.js";

const text = `
name: tour
data:
  dataset: { synthetic: { train_images: 48, test_images: 16, height: 8, width: 8, classes: 4 } }
model:
  stem: { channels: 8 }
  stages:
    - { channels: 8, blocks: 1 }
    - { channels: 16, blocks: 1, stride: 2, projection: true }
train:
  epochs: 2
  batch_size: 16
  optimizer: { sgd: { momentum: 0.9 } }
  learning_rate: { cosine: { rate: 0.1, warmup_epochs: 1 } }
`;

describe("netc, pass by pass", () => {
  // Text → YamlFile. Every value remembers its place in the text, so that any later pass can point at it.
  it("parses", () => {
    const file = parse(text, "tour.yaml").value!;
    const { start, end } = locate(file, ["model", "stages", 1, "channels"], "value");
    expect([text.slice(start, end), positionAt(text, start)]).toEqual(["16", { line: 9, column: 19 }]);
  });

  // YamlFile → ResolvedConfig. Keys and values are checked against the one table of the language
  // (src/compiler/language); then every default is written out, so that no later pass knows any.
  const { config } = loadConfig(text, "tour.yaml").value!;
  it("validates and resolves", () => {
    const model = printConfig(config).split("\n");
    const stem = model.slice(model.indexOf("  stem:"), model.indexOf("  stages:"));
    expect(`\n${stem.join("\n")}`).toMatchInlineSnapshot(`
      "
        stem:
          channels: 8
          kernel: 3
          stride: 1
          padding: 1
          bias: false
          whitening: null
          norm: {batch: {eps: 0.00001, momentum: 0.1, scale: true}}
          activation: relu
          pool: null"
    `);
  });

  // ResolvedConfig → ShapedGraph. One node an operation, in an order in which each comes after what it reads; then the
  // shape of each output by one rule an operation. A residual branch and a shortcut that do not fit are found here.
  const graph = buildGraph(config).value!;
  it("builds the graph and infers its shapes", () => {
    const lines = graph.nodes.map(({ name, op, inputs, shape }) => {
      const from = inputs.map((input) => graph.nodes[input]!.name).join(" and ");
      return `${formatShape(shape)}  ${op.kind} ${name}${from && ` of ${from}`}`;
    });
    expect(`\n${lines.join("\n")}`).toMatchInlineSnapshot(`
      "
      8×8×3  input input
      8×8×8  conv2d stem.conv of input
      8×8×8  batch_norm stem.norm of stem.conv
      8×8×8  relu stem.activation of stem.norm
      8×8×8  conv2d stages.0.blocks.0.conv1 of stem.activation
      8×8×8  batch_norm stages.0.blocks.0.norm1 of stages.0.blocks.0.conv1
      8×8×8  relu stages.0.blocks.0.activation1 of stages.0.blocks.0.norm1
      8×8×8  conv2d stages.0.blocks.0.conv2 of stages.0.blocks.0.activation1
      8×8×8  batch_norm stages.0.blocks.0.norm2 of stages.0.blocks.0.conv2
      8×8×8  add stages.0.blocks.0.add of stages.0.blocks.0.norm2 and stem.activation
      8×8×8  relu stages.0.blocks.0.activation of stages.0.blocks.0.add
      4×4×16  conv2d stages.1.blocks.0.conv1 of stages.0.blocks.0.activation
      4×4×16  batch_norm stages.1.blocks.0.norm1 of stages.1.blocks.0.conv1
      4×4×16  relu stages.1.blocks.0.activation1 of stages.1.blocks.0.norm1
      4×4×16  conv2d stages.1.blocks.0.conv2 of stages.1.blocks.0.activation1
      4×4×16  batch_norm stages.1.blocks.0.norm2 of stages.1.blocks.0.conv2
      4×4×16  conv2d stages.1.blocks.0.projection.conv of stages.0.blocks.0.activation
      4×4×16  batch_norm stages.1.blocks.0.projection.norm of stages.1.blocks.0.projection.conv
      4×4×16  add stages.1.blocks.0.add of stages.1.blocks.0.norm2 and stages.1.blocks.0.projection.norm
      4×4×16  relu stages.1.blocks.0.activation of stages.1.blocks.0.add
      16  global_average_pool pooling of stages.1.blocks.0.activation
      4  linear classifier of pooling"
    `);
    const parameters = parametersOf(graph).map(({ shape }) => shape.reduce((product, size) => product * size, 1));
    expect(parameters.reduce((sum, count) => sum + count)).toMatchInlineSnapshot(`5164`);
  });

  // ResolvedConfig → TrainPlan. How many steps, which epochs end with what, and a learning rate for any step.
  const schedule = plan(config);
  it("plans the run", () => {
    const { stepsPerEpoch, steps, lastBatch, evaluateAfter } = schedule;
    expect({ stepsPerEpoch, steps, lastBatch, evaluateAfter }).toMatchInlineSnapshot(`
      {
        "evaluateAfter": [
          1,
          2,
        ],
        "lastBatch": 16,
        "steps": 6,
        "stepsPerEpoch": 3,
      }
    `);
    const rates = Array.from({ length: steps }, (_, step) => learningRateAt(schedule, step).toFixed(3));
    expect(rates.join(" ")).toMatchInlineSnapshot(`"0.000 0.033 0.067 0.100 0.075 0.025"`);
  });

  // ShapedGraph → FusedGraph. Norm, activation and addition each would read and write a whole map for a few operations a
  // number; together they do it once. Pooling of the whole map and the linear layer become the general cases.
  const fused = fuse(graph);
  it("fuses", () => {
    const lines = fused.nodes.slice(-7).map(({ name, op }) => {
      if (op.kind !== "pointwise") return `${op.kind} ${name}`;
      const parts = [op.norm && "norm", op.inner?.kind, op.add && "add", op.outerRelu && "relu"];
      return `${op.kind} ${name}: ${parts.filter(Boolean).join(", ")}`;
    });
    expect(`\n${lines.join("\n")}`).toMatchInlineSnapshot(`
      "
      pointwise stages.1.blocks.0.norm1: norm, relu
      conv2d stages.1.blocks.0.conv2
      conv2d stages.1.blocks.0.projection.conv
      pointwise stages.1.blocks.0.projection.norm: norm
      pointwise stages.1.blocks.0.norm2: norm, add, relu
      average_pool pooling
      conv2d classifier"
    `);
  });

  // FusedGraph → TrainingGraph. A whole step written out: the forward pass, the loss, the gradients by reverse
  // accumulation, and the optimizer's update. Every gradient is a rule of its own, held to finite differences.
  const training = trainingGraphOf({ config, graph, plan: schedule }, "train");
  it("differentiates", () => {
    const loss = training.nodes.findIndex(({ op }) => op.kind === "softmax_cross_entropy");
    const shown = [...training.nodes.slice(loss, loss + 9), ...training.nodes.slice(-4)];
    const lines = shown.map(({ name, op }) => `${op.kind}: ${name}`);
    expect(`\n${lines.join("\n")}`).toMatchInlineSnapshot(`
      "
      softmax_cross_entropy: loss
      bias_gradient: classifier bias gradient
      conv2d_weight_gradient: classifier weight gradient
      conv2d_input_gradient: classifier input gradient
      average_pool_gradient: pooling gradient
      pointwise_gradient: stages.1.blocks.0.norm2 gradient
      pointwise_gradient: stages.1.blocks.0.projection.norm gradient
      conv2d_weight_gradient: stages.1.blocks.0.projection.conv weight gradient
      conv2d_input_gradient: stages.1.blocks.0.projection.conv input gradient
      pointwise_gradient: stem.norm gradient
      conv2d_weight_gradient: stem.conv weight gradient
      gradient_norm: gradient norm
      update: update"
    `);
  });

  // TrainingGraph → KernelCalls, for one batch size. Channels are padded to whole SIMD lanes, and each operation becomes
  // calls of WebAssembly kernels: here a 3×3 convolution, by Winograd's algorithm where that pays.
  const layout = layoutParameters(graph, parameterGroups(config, graph));
  const selection = { batch: config.train.batch_size, threads: 2, layout, readsAverages: false, accumulates: false };
  const calls = selectKernels(training, selection);
  it("selects kernels", () => {
    const lines = calls.calls.filter(({ node }) => node.startsWith("stages.1.blocks.0.conv2"));
    const shown = lines.map(({ node, kernel }) => `${kernel} for ${node}`);
    expect(`\n${shown.join("\n")}`).toMatchInlineSnapshot(`
      "
      pack_weights for stages.1.blocks.0.conv2
      convolve_direct for stages.1.blocks.0.conv2
      weight_gradient_winograd for stages.1.blocks.0.conv2 weight gradient
      pack_weights for stages.1.blocks.0.conv2 input gradient
      convolve_direct for stages.1.blocks.0.conv2 input gradient"
    `);
  });

  // KernelCalls → Allocation. Every buffer gets its place before the first step runs, and places are used again as soon
  // as their value has been read for the last time: training allocates nothing.
  const allocation = allocate(calls);
  it("allocates", () => {
    const all = calls.buffers.reduce((sum, buffer) => sum + (buffer.kind === "transient" ? buffer.bytes : 0), 0);
    const { arenaBytes, aliveBytes } = allocation;
    expect(arenaBytes / aliveBytes).toBeLessThan(1.02); // none can be below 1: the most that is alive at one moment
    expect(arenaBytes).toBeLessThan(all / 5);
  });

  // KernelCalls and Allocation → Step: numbers alone, as the kernels read them out of the heap. Marks in front of an
  // address say what the kernel does there: < read, > write, <> both, ~ scratch.
  it("emits steps", () => {
    const lowered = lower({ config, graph, plan: schedule }, [{ mode: "train", batch: 16, phase: 0 }], 2);
    const lines = printStep(lowered.steps[0]!.step).split("\n").slice(1, 7);
    expect(`\n${lines.join("\n").replaceAll(/0x\w+/g, "0x…")}`).toMatchInlineSnapshot(`
      "
       0  load_images  # images
            images=<0x… values=<0x… output=>0x… pixels=1024 channels=3 lanes=4
       1  pack_weights  # stem.conv
            weights=<0x… packed=>0x… tapOffsets=<0x… taps=9 depth=3 depthStride=8 columns=8 columnStride=1
       2  convolve_direct  # stem.conv
            input=<0x… packed=<0x… bias=- residual=- output=<>0x… relu=0 offsets=<0x… tiles=64 taps=9 depth=3 columnTiles=1 groups=4 inputGroupBytes=4096 outputGroupBytes=8192 groupsAtOnce=1 accumulate=0"
    `);
  });

  // Program → Session. Threads share the heap and run a step call by call; the trainer knows an engine by `step`,
  // `evaluate`, `readState` and `writeState` alone (src/runtime/engines/engine.ts).
  it("runs, and learns", async () => {
    const session = await openWasmSession({ config, graph, plan: schedule }, 2);
    onTestFinished(() => session.dispose());
    const { synthetic } = config.data.dataset as { readonly synthetic: SyntheticDataset };
    const loader = createLoader(generateSynthetic(synthetic, config.seed), config);
    const losses: string[] = [];
    for (let step = 0; step < schedule.steps; step++) {
      const batch = loader.train(Math.floor(step / schedule.stepsPerEpoch), step % schedule.stepsPerEpoch);
      const { loss } = await session.step(batch, { learningRate: learningRateAt(schedule, step), step: step + 1 });
      losses.push(loss.toFixed(2));
    }
    expect(losses.join(" ")).toMatchInlineSnapshot(`"1.79 1.36 1.35 1.15 1.00 0.71"`); // the loss of a guess is ln 4 = 1.39
    const { correct } = await session.evaluate(loader.test(0));
    expect(`${correct} of ${loader.test(0).count} test images`).toMatchInlineSnapshot(`"9 of 16 test images"`);
  });
});
