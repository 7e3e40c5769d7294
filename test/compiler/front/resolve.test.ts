import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/compiler/front/load-config.js";
import { originText, origins } from "../../../src/compiler/front/edit/origins.js";
import { printConfig } from "../../../src/compiler/front/yaml/print-config.js";

const folder = new URL("../../../configs/", import.meta.url);
const configs = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

const minimal = `name: minimal
data: { dataset: cifar10 }
model:
  stem: { channels: 8 }
  stages: [{ channels: 8, blocks: 1 }]
train: { epochs: 1, batch_size: 32, learning_rate: 0.1 }
`;

describe("resolve", () => {
  it("writes out every default of a minimal file", () => {
    expect(printConfig(load(minimal).config)).toMatchInlineSnapshot(`
      "name: minimal
      seed: 0
      data:
        dataset: cifar10
        path: null
        validation: null
        resize: null
        normalize:
          mean: [0.49139968, 0.48215841, 0.44653091]
          std: [0.24703223, 0.24348513, 0.26158784]
        augment: []
      blocks: {}
      model:
        input: {height: 32, width: 32, channels: 3}
        norm: {batch: {eps: 0.00001, momentum: 0.1, scale: true}}
        activation: relu
        stem:
          channels: 8
          kernel: 3
          stride: 1
          padding: 1
          bias: false
          whitening: null
          norm: {batch: {eps: 0.00001, momentum: 0.1, scale: true}}
          activation: relu
          pool: null
        stages:
          - channels: 8
            blocks: 1
            block: residual
            stride: 1
            pool: null
            before: []
            projection: false
            norm: {batch: {eps: 0.00001, momentum: 0.1, scale: true}}
            activation: relu
            activation_before_add: false
        pooling: global_average
        classifier:
          classes: 10
          bias: true
          scale: 1
          layers: []
      train:
        epochs: 1
        batch_size: 32
        accumulate: 1
        recompute: false
        drop_last: false
        precision: float32
        optimizer:
          sgd:
            momentum: 0
            nesterov: false
            weight_decay: 0
            decoupled: false
            decay_norm_and_bias: true
        groups: []
        layer_decay: null
        gradient_clip: null
        non_finite: stop
        learning_rate: {constant: {rate: 0.1, warmup_epochs: 0, warmup_steps: null}}
        loss: {cross_entropy: {label_smoothing: 0}}
        initialization: {weights: kaiming_normal, dirac: false, bias: zero, zero_last_norm: false}
        start: null
        weight_average: null
        evaluation:
          every_epochs: 1
          every_steps: null
          batch_size: 256
          flip: false
          translate: 0
        early_stop: null
        checkpoints:
          every_epochs: 1
          every_steps: null
          keep: 2
          keep_best: 0
          on_failure: continue
      "
    `);
  });

  it.each(configs)("gives the same again for its own output of configs/%s", (name) => {
    const { config } = load(readFileSync(new URL(name, folder), "utf8"));
    expect(load(printConfig(config)).config).toEqual(config);
  });

  it("takes the size of images from data.resize, and a window's stride from its kernel", () => {
    const { config } = load(minimal, ["data.resize=48", "model.pooling={average: {kernel: 3}}"]);
    expect(config.model.input).toEqual({ height: 48, width: 48, channels: 3 });
    expect(config.model.pooling).toEqual({ average: { kernel: 3, stride: 3, padding: 0 } });
  });

  it("normalises a projection as its stage, unless it says otherwise", () => {
    const stage = (text: string) => load(minimal, [`model.stages[0]=${text}`]).config.model.stages[0]!.projection;
    expect(stage("{channels: 8, blocks: 1, norm: none, projection: true}")).toEqual({ bias: false, norm: "none" });
    expect(stage("{channels: 8, blocks: 1, projection: {norm: none, bias: true}}")).toEqual({
      bias: true,
      norm: "none",
    });
    expect(stage("{channels: 8, blocks: 1, norm: {batch: {eps: 1e-3}}, projection: true}")).toEqual({
      bias: false,
      norm: { batch: { eps: 1e-3, momentum: 0.1, scale: true } },
    });
  });

  it("keeps a shortcut without parameters as it is written", () => {
    const { config } = load(minimal, ["model.stages[0].projection=subsample"]);
    expect(config.model.stages[0]!.projection).toBe("subsample");
  });

  it("centres an odd kernel and spreads one number over all channels", () => {
    const { config } = load(minimal, ["model.stem.kernel=7", "data.normalize={mean: 0.5, std: [0.1, 0.2, 0.3]}"]);
    expect(config.model.stem).toMatchObject({ padding: 3 });
    expect(config.data.normalize).toEqual({ mean: [0.5, 0.5, 0.5], std: [0.1, 0.2, 0.3] });
  });

  it("takes classes, size and colours from generated data", () => {
    const { config } = load(minimal, ["data.dataset={synthetic: {height: 8, channels: 1, classes: 4}}"]);
    expect(config.model.input).toEqual({ height: 8, width: 16, channels: 1 });
    expect(config.model.classifier.classes).toBe(4);
    expect(config.data.normalize.mean).toHaveLength(1);
  });
});

describe("origins", () => {
  it("tells for every value what set it", () => {
    const loaded = load(minimal, ["train.epochs=5"]);
    const found = Object.fromEntries(
      origins(loaded).map(({ path, span }) => [path.join("."), originText(loaded.file, span)]),
    );
    expect(found["name"]).toBe("test.yaml:1");
    expect(found["seed"]).toBe("default");
    expect(found["train.epochs"]).toBe("--set train.epochs=5");
    expect(found["train.learning_rate.constant.rate"]).toBe("test.yaml:6");
    expect(found["train.learning_rate.constant.warmup_epochs"]).toBe("default");
  });
});

function load(text: string, overrides: readonly string[] = []) {
  const { value, diagnostics } = loadConfig(text, "test.yaml", { overrides });
  expect(diagnostics).toEqual([]);
  return value!;
}
