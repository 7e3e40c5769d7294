import { describe, expect, it } from "vitest";
import { readBase as readFromDisk } from "../../../src/runtime/source/read-base.js";
import type { ReadBase } from "../../../src/compiler/front/compose.js";
import { failed, ok } from "../../../src/compiler/diagnostics/diagnostic.js";
import { loadConfig } from "../../../src/compiler/front/load-config.js";
import { originText, origins } from "../../../src/compiler/front/edit/origins.js";

const base = `name: base
data: { dataset: cifar10, augment: [horizontal_flip] }
model:
  stem: { channels: 8, norm: { batch: { eps: 1e-3 } } }
  stages: [{ channels: 8, blocks: 1 }, { channels: 8, blocks: 2 }]
train: { epochs: 4, batch_size: 32, learning_rate: { cosine: { rate: 0.1, warmup_epochs: 1 } }, optimizer: sgd }
`;

const files: Readonly<Record<string, string>> = {
  "base.yaml": base,
  "middle.yaml": "extends: base.yaml\nname: middle\ntrain: { epochs: 5, batch_size: 16 }\n",
  "a.yaml": "extends: b.yaml\n",
  "b.yaml": "extends: a.yaml\n",
};

describe("extends", () => {
  it("merges maps, and settings of the same option", () => {
    const { train, model, name } = load(
      "name: top\ntrain: { epochs: 9, learning_rate: { cosine: { end: 0.01 } } }\nmodel: { stem: { kernel: 5 } }",
    );
    expect(name).toBe("top");
    expect(train).toMatchObject({ epochs: 9, batch_size: 32 });
    expect(train.learning_rate).toEqual({ cosine: { rate: 0.1, end: 0.01, warmup_epochs: 1, warmup_steps: null } });
    expect(model.stem).toMatchObject({ channels: 8, kernel: 5, norm: { batch: { eps: 1e-3 } } });
  });

  it("replaces lists, single values and other options whole", () => {
    const { data, model, train } = load(
      "data: { augment: [] }\nmodel: { stages: [{ channels: 8, blocks: 3 }], stem: { norm: none } }\ntrain: { learning_rate: 0.5, optimizer: { adam: {} } }",
    );
    expect(data.augment).toEqual([]);
    expect(model.stages).toHaveLength(1);
    expect(model.stem).toMatchObject({ norm: "none" });
    expect(train.learning_rate).toEqual({ constant: { rate: 0.5, warmup_epochs: 0, warmup_steps: null } });
    expect(Object.keys(train.optimizer)).toEqual(["adam"]);
  });

  it("goes through several files, the nearest winning, and the command line over all", () => {
    const { value } = loadConfig("extends: middle.yaml\nseed: 3\n", "top.yaml", {
      overrides: ["train.batch_size=8"],
      readBase: fromMemory,
    });
    expect(value!.config).toMatchObject({ name: "middle", seed: 3, train: { epochs: 5, batch_size: 8 } });
    const found = Object.fromEntries(
      origins(value!).map(({ path, span }) => [path.join("."), originText(value!.file, span)]),
    );
    expect(found).toMatchObject({
      name: "middle.yaml:2",
      seed: "top.yaml:2",
      "train.epochs": "middle.yaml:3",
      "train.batch_size": "--set train.batch_size=8",
      "model.stem.channels": "base.yaml:4",
      "model.stem.bias": "default",
    });
  });

  it("finds the networks that come with netc", () => {
    const { value, diagnostics } = loadConfig("extends: netc:resnet-20\nname: mine\n", "mine.yaml", {
      readBase: readFromDisk,
    });
    expect(diagnostics).toEqual([]);
    expect(value!.config.model.stages).toHaveLength(3);
  });

  it("says where the circle closes, and complains of nothing else", () => {
    const found = loadConfig("extends: a.yaml\n", "top.yaml", { readBase: fromMemory }).diagnostics;
    expect(found.map(({ code, message }) => `${code} ${message}`)).toEqual([
      "extends/cycle files extend one another in a circle: a.yaml → b.yaml → a.yaml",
    ]);
    expect(found[0]!.span!.source!.name).toBe("b.yaml");
  });

  it("takes only text", () => {
    const found = loadConfig(`extends: [base.yaml]\n${base}`, "top.yaml", { readBase: fromMemory }).diagnostics;
    expect(found.map(({ code, path }) => `${code} ${path}`)).toEqual(["schema/wrong-type extends"]);
  });
});

function load(text: string) {
  const { value, diagnostics } = loadConfig(`extends: base.yaml\n${text}\n`, "top.yaml", { readBase: fromMemory });
  expect(diagnostics).toEqual([]);
  return value!.config;
}

function fromMemory(...[name]: Parameters<ReadBase>): ReturnType<ReadBase> {
  const text = files[name];
  return text === undefined
    ? failed([{ code: "extends/not-found", severity: "error", message: name }])
    : ok({ name, text });
}
