// Every key of the language, changed in a file whose run has done 40 steps: whether the run may go on with it. A key that is
// not listed here fails: whoever adds one decides what it means for a resumed run.
import { describe, expect, it } from "vitest";
import { compileText } from "../../src/compiler/compile.js";
import type { Form } from "../../src/compiler/front/language/forms.js";
import { language } from "../../src/compiler/front/language/language.js";
import { changesSince } from "../../src/runtime/run/changes-since.js";

const FILE = `
name: base
data:
  dataset: { synthetic: { train_images: 160, test_images: 16, height: 16, width: 16, classes: 4 } }
model:
  stem: { channels: 8 }
  stages: [{ channels: 8, blocks: 1, projection: true }, { channels: 16, blocks: 1, stride: 2, projection: true }]
train:
  epochs: 8
  batch_size: 16
  learning_rate: { step: { rate: 0.1, every_steps: 50 } }
`;
const STEPS_DONE = 40;

/** Keys that a run may go on with, and another value for each. */
const ALLOWED: Readonly<Record<string, string>> = {
  name: "other",
  "data.path": "elsewhere",
  "train.epochs": "9",
  "train.recompute": "true",
  "train.non_finite": "skip",
  "train.early_stop": "{patience: 3}",
  "train.evaluation.every_epochs": "2",
  "train.evaluation.every_steps": "7",
  "train.evaluation.batch_size": "8",
  "train.evaluation.flip": "true",
  "train.evaluation.translate": "1",
  "train.checkpoints.every_epochs": "2",
  "train.checkpoints.every_steps": "7",
  "train.checkpoints.keep": "3",
  "train.checkpoints.keep_best": "1",
  "train.checkpoints.on_failure": "stop",
};

/** Keys that would have made the steps done come out otherwise. */
const REFUSED: Readonly<Record<string, string>> = {
  seed: "1",
  "data.dataset": "{synthetic: {train_images: 160, test_images: 16, height: 16, width: 16, classes: 5}}",
  "data.validation": "0.1",
  "data.resize": "{height: 24, width: 24}",
  "data.normalize": "{mean: 0.4, std: 0.2}",
  "data.augment": "[horizontal_flip]",
  "model.stem.channels": "12",
  "model.stem.kernel": "5",
  "model.stem.stride": "2",
  "model.stem.padding": "0",
  "model.stem.bias": "true",
  "model.stem.whitening": "{images: 20}",
  "model.stem.norm": "none",
  "model.stem.activation": "gelu",
  "model.stem.pool": "{max: {kernel: 2}}",
  blocks: "{mine: {branch: [{conv: {kernel: 3}}, norm]}}",
  "model.norm": "{batch: {momentum: 0.2}}",
  "model.activation": "gelu",
  "model.stages.1.before": "[relu]",
  "model.stages.1.channels": "24",
  "model.stages.1.blocks": "2",
  "model.stages.1.block": "group",
  "model.stages.1.stride": "4",
  "model.stages.1.projection": "subsample",
  "model.stages.1.norm": "none",
  "model.stages.1.activation": "gelu",
  "model.stages.1.activation_before_add": "true",
  "model.stages.1.pool": "{max: {kernel: 2}}",
  "model.pooling": "{average: {kernel: 4}}",
  "model.classifier.bias": "false",
  "model.classifier.scale": "0.5",
  "model.classifier.layers": "[relu]",
  "train.batch_size": "20",
  "train.accumulate": "2",
  "train.drop_last": "true",
  "train.precision": "bfloat16",
  "train.optimizer": "sgd: {momentum: 0.8}",
  "train.groups": "[{roles: [bias], rate_factor: 2}]",
  "train.gradient_clip": "{norm: 1}",
  "train.learning_rate": "{step: {rate: 0.1, every_steps: 30}}",
  "train.loss": "{cross_entropy: {label_smoothing: 0.1}}",
  "train.initialization.weights": "orthogonal",
  "train.initialization.dirac": "true",
  "train.initialization.bias": "uniform_fan_in",
  "train.initialization.zero_last_norm": "true",
  "train.start": "weights.safetensors",
  "train.weight_average": "{ema: {decay: 0.9}}",
};

/** They can say only what the data set already does; what a file extends is part of it before it has a configuration. */
const WITHOUT_OTHER_VALUE = [
  "extends",
  "model.input.height",
  "model.input.width",
  "model.input.channels",
  "model.classifier.classes",
];

/** Keys that a Program has as others: the value, and the key that is refused. */
const SHORT_FOR: Readonly<Record<string, readonly [value: string, refused: string]>> = {
  "train.layer_decay": ["0.7", "train.groups"],
};

/** Lists of layers, or maps for short. */
const LAYERS = new Set(["model.stem", "model.classifier"]);

function pathsOf(form: Form, path: readonly string[]): string[] {
  if (form.kind === "list" && form.item.kind === "map") return pathsOf(form.item, [...path, "1"]);
  if (form.kind === "short-forms" && form.long.kind === "map" && LAYERS.has(path.join(".")))
    return pathsOf(form.long, path);
  if (form.kind !== "map") return [path.join(".")];
  return Object.entries(form.keys).flatMap(([key, { form, absent, default: standard }]) => {
    // What may be absent as a whole counts as a whole
    const isWhole = absent !== undefined || Array.isArray(standard);
    return isWhole ? [[...path, key].join(".")] : pathsOf(form, [...path, key]);
  });
}

function compiled(...overrides: string[]) {
  const { value, diagnostics } = compileText(FILE, "file.yaml", { overrides });
  expect(value, JSON.stringify(diagnostics.map(({ message }) => message))).toBeDefined();
  return value!;
}

const before = compiled();

describe("a key of the language", () => {
  it("is known to be allowed or refused when a run is resumed", () => {
    const listed = [
      ...Object.keys(ALLOWED),
      ...Object.keys(REFUSED),
      ...Object.keys(SHORT_FOR),
      ...WITHOUT_OTHER_VALUE,
    ];
    expect(pathsOf(language, []).toSorted()).toEqual(listed.toSorted());
  });

  it.each(Object.entries(ALLOWED))("may change: %s", (path, value) => {
    const others = path === "train.evaluation.every_steps" ? ["train.evaluation.every_epochs=null"] : [];
    const { changes } = changesSince(before, compiled(...others, `${path}=${value}`), STEPS_DONE);
    expect(changes.map(({ path }) => path)).toContainEqual(expect.stringContaining(path));
    expect(changes.filter(({ altersThePast }) => altersThePast)).toEqual([]);
  });

  it.each(Object.entries(REFUSED))("may not change: %s", (path, value) => {
    const others = path === "model.stem.whitening" ? ["model.stem.channels=54", "model.stem.norm=none"] : [];
    const { changes } = changesSince(before, compiled(...others, `${path}=${value}`), STEPS_DONE);
    const refused = changes.filter(({ altersThePast }) => altersThePast).map((change) => change.path);
    expect(refused).toContainEqual(expect.stringContaining(path));
  });

  it.each(Object.entries(SHORT_FOR))("may not change, as what it is short for: %s", (path, [value, refused]) => {
    const { changes } = changesSince(before, compiled(`${path}=${value}`), STEPS_DONE);
    expect(changes).toContainEqual(expect.objectContaining({ path: refused, altersThePast: true }));
  });

  it("may change where the same pictures lie elsewhere, and not where others are wanted of them", () => {
    const of = (folder: string, share: number) =>
      compiled(
        `data.dataset={images: {folder: ${folder}, size: 16, validation_share: ${share}, classes: [a, b], train_images: 160, test_images: 16}}`,
      );
    const { changes } = changesSince(of("photos", 0.1), of("moved", 0.2), STEPS_DONE);
    expect(changes.map(({ path, altersThePast }) => [path, altersThePast])).toEqual([
      ["data.dataset.images.folder", false],
      ["data.dataset.images.validation_share", true],
    ]);
  });

  it("may change where it moves only rates to come", () => {
    const after = compiled("train.learning_rate={step: {rate: 0.1, every_steps: 45}}");
    expect(changesSince(before, after, STEPS_DONE).changes.some(({ altersThePast }) => altersThePast)).toBe(false);
  });
});

describe("what more epochs do", () => {
  it("is said of the averages and of groups with a schedule of their own", () => {
    const settings = [
      "train.weight_average={lookahead: {every_steps: 5, decay: 0.77, power: 3}}",
      "train.groups=[{roles: [bias], learning_rate: {linear: {rate: 0.2}}}]",
    ];
    const { changes, effects } = changesSince(
      compiled(...settings),
      compiled(...settings, "train.epochs=16"),
      STEPS_DONE,
    );
    expect(changes.some(({ altersThePast }) => altersThePast)).toBe(false);
    expect(effects).toEqual([
      "the run now ends after 16 epochs (160 steps) instead of 8",
      "the rate of train.groups.0 at step 41 is 0.15 instead of 0.1",
      expect.stringContaining("train.weight_average moves differently from here on"),
    ]);
  });
});
