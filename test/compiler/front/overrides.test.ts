import { describe, expect, it } from "vitest";
import { applyOverrides } from "../../../src/compiler/front/overrides.js";
import { parse } from "../../../src/compiler/front/parse.js";
import type { YamlNode } from "../../../src/compiler/front/yaml/yaml-file.js";

const text = "name: a\nmodel:\n  stages:\n    - {channels: 8}\n    - {channels: 16}\n  norm: batch\n";

describe("applyOverrides", () => {
  it.each([
    ["name=b", { name: "b" }],
    ["model.stages[1].channels=32", { model: { stages: [{ channels: 8 }, { channels: 32 }] } }],
    ["model.stages.1.channels=32", { model: { stages: [{ channels: 8 }, { channels: 32 }] } }],
    ["model.stages[-1].channels=32", { model: { stages: [{ channels: 8 }, { channels: 32 }] } }],
    ["model.stages[+]={channels: 4}", { model: { stages: [{ channels: 8 }, { channels: 16 }, { channels: 4 }] } }],
    ["model.stages[+].channels=4", { model: { stages: [{ channels: 8 }, { channels: 16 }, { channels: 4 }] } }],
    ["model.norm.batch.eps=1e-3", { model: { norm: { batch: { eps: 1e-3 } } } }],
    ["train.lr=0x10", { train: { lr: 16 } }],
    ["name=null", { name: null }],
    ['name="3"', { name: "3" }],
    ["name=a=b", { name: "a=b" }],
    ["name= b ", { name: "b" }],
  ])("%s", (override, expected) => {
    expect(plain(applied([override]))).toMatchObject(expected);
  });

  it("chooses the option whose settings are given, and writes out a short form on the way", () => {
    const train = (before: string, override: string) => {
      const file = parse(`train: { ${before} }`, "x.yaml").value!;
      return plain(applyOverrides(file, [`train.${override}`]).value!.root);
    };
    expect(train("optimizer: { sgd: { momentum: 0.9 } }", "optimizer.adam.beta1=0.8")).toEqual({
      train: { optimizer: { adam: { beta1: 0.8 } } },
    });
    expect(train("optimizer: { sgd: { momentum: 0.9 } }", "optimizer.sgd.nesterov=true")).toEqual({
      train: { optimizer: { sgd: { momentum: 0.9, nesterov: true } } },
    });
    expect(train("learning_rate: 0.1", "learning_rate.constant.warmup_epochs=2")).toEqual({
      train: { learning_rate: { constant: { rate: 0.1, warmup_epochs: 2 } } },
    });
  });

  it("lets a later override win, and leaves the file as it was", () => {
    const file = parse(text, "x.yaml").value!;
    const before = JSON.stringify(file);
    const changed = applyOverrides(file, ["name=b", "name=c"]).value!;
    expect(plain(changed.root)).toMatchObject({ name: "c" });
    expect(JSON.stringify(file)).toBe(before);
  });

  it.each(["name", "=3", "a b=3", "a..b=3", "model.stages[x]=3", ".a=3", "a.=3", "name="])("refuses %s", (override) => {
    expect(faults([override]).map(({ code }) => code)).toEqual(["set/syntax"]);
  });

  it.each(["model.stages[2]=3", "model.stages[-3]=3", "model.stages.first=3", "name[0]=3", "model[+]=3"])(
    "says that %s leads nowhere",
    (override) => expect(faults([override]).map(({ code }) => code)).toEqual(["set/unknown-path"]),
  );

  it("refuses a path of 20,000 steps at the first that is too many", () => {
    const found = faults([`${"a.".repeat(20_000)}b=1`]);
    expect(found).toMatchObject([
      { code: "set/syntax", message: "a path has more than 100 steps", span: { start: 200 } },
    ]);
  });

  it("reports every fault at its place in the argument", () => {
    const found = faults(["model.stages[7].channels=1", "name=[1"]);
    expect(found.map(({ span }) => span!.source!.text.slice(span!.start, span!.end))).toEqual(["7", "["]);
  });
});

function applied(overrides: readonly string[]): YamlNode {
  const { value, diagnostics } = applyOverrides(parse(text, "x.yaml").value!, overrides);
  expect(diagnostics).toEqual([]);
  return value!.root;
}

function faults(overrides: readonly string[]) {
  return applyOverrides(parse(text, "x.yaml").value!, overrides).diagnostics;
}

function plain(node: YamlNode): unknown {
  if (node.kind === "list") return node.items.map(plain);
  if (node.kind === "map") return Object.fromEntries(node.entries.map(({ key, value }) => [key, plain(value)]));
  return node.kind === "scalar" ? node.value : undefined;
}
