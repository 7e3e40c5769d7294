import { readFileSync, readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { editText } from "../../src/compiler/front/edit/edit-text.js";
import type { Edit } from "../../src/compiler/front/edit/edit-text.js";
import { lineDiff } from "../../src/compiler/front/edit/line-diff.js";
import { parse } from "../../src/compiler/front/parse.js";
import { childrenOf } from "../../src/compiler/front/yaml/yaml-file.js";
import type { YamlNode } from "../../src/compiler/front/yaml/yaml-file.js";

const text = `# what it is
name: 'demo'   # its name

model:
  stem: { channels: 16 }   # small

  stages:   # in order
    # the first
    - channels: 16   # as the stem
      blocks: 1
      norm: batch
    - { channels: 32, blocks: 1 }

  # at the end
  pooling:
    average:
      kernel: 3 # pixels
  empty:
# no more
train:
  epochs: 3`;

describe("editText sets a value and leaves every other byte", () => {
  it.each<[string, string, string]>([
    ["a number", "train.epochs=4", "-   epochs: 3\n+   epochs: 4"],
    ["a quoted text, in its quotes", "name=other", "- name: 'demo'   # its name\n+ name: 'other'   # its name"],
    [
      "within braces",
      "model.stages[1].channels=64",
      "-     - { channels: 32, blocks: 1 }\n+     - { channels: 64, blocks: 1 }",
    ],
    [
      "counted from the end",
      "model.stages[-1].blocks=2",
      "-     - { channels: 32, blocks: 1 }\n+     - { channels: 32, blocks: 2 }",
    ],
    [
      "in a block within a list",
      "model.stages[0].channels=8",
      "-     - channels: 16   # as the stem\n+     - channels: 8   # as the stem",
    ],
    [
      "a new key in braces",
      "model.stem.kernel=7",
      "-   stem: { channels: 16 }   # small\n+   stem: { channels: 16, kernel: 7 }   # small",
    ],
    ["a new key in a block", "model.stages[0].stride=2", "+       stride: 2"],
    ["a new key with what it leads to", "train.optimizer.sgd.momentum=0.9", "+   optimizer: {sgd: {momentum: 0.9}}"],
    [
      "settings in place of a short form",
      "model.stages[0].norm.batch.eps=1e-3",
      "-       norm: batch\n+       norm: {batch: {eps: 1e-3}}",
    ],
    [
      "a single value in place of a block",
      "model.pooling=global_average",
      "-   pooling:\n-     average:\n-       kernel: 3 # pixels\n+   pooling: global_average # pixels",
    ],
    ["a value where there was none", "model.empty=3", "-   empty:\n+   empty: 3"],
    ["one more item", "model.stages[+]={channels: 64, blocks: 1}", "+     - {channels: 64, blocks: 1}"],
    [
      "a text that needs quotes where it stands",
      "model.stem.pool=a, b",
      '-   stem: { channels: 16 }   # small\n+   stem: { channels: 16, pool: "a, b" }   # small',
    ],
  ])("%s", (_name, edit, expected) => {
    expect(changedLines({ set: edit })).toBe(expected);
  });
});

describe("editText takes a value out", () => {
  it.each<[string, string, string]>([
    ["a line", "model.stages[0].blocks", "-       blocks: 1"],
    [
      "the first key of an item",
      "model.stages[0].channels",
      "-     - channels: 16   # as the stem\n-       blocks: 1\n+     - blocks: 1",
    ],
    ["within braces", "model.stages[1].channels", "-     - { channels: 32, blocks: 1 }\n+     - { blocks: 1 }"],
    [
      "the last within braces",
      "model.stages[1].blocks",
      "-     - { channels: 32, blocks: 1 }\n+     - { channels: 32 }",
    ],
    ["an item", "model.stages[1]", "-     - { channels: 32, blocks: 1 }"],
    ["a block", "model.pooling", "-   pooling:\n-     average:\n-       kernel: 3 # pixels"],
    ["all that a map had", "train.epochs", "- train:\n-   epochs: 3\n+ train: {}"],
  ])("%s", (_name, path, expected) => {
    expect(changedLines({ unset: path })).toBe(expected);
  });

  it.each(["model.nothing", "model.stages[5]", "train.epochs.deeper"])("says that %s is not there", (path) => {
    expect(editText(text, "a.yaml", [{ unset: path }]).diagnostics.map(({ code }) => code)).toEqual([
      "set/unknown-path",
    ]);
  });
});

describe("editText", () => {
  it("keeps Windows line ends and a byte order mark", () => {
    const windows = `\uFEFF${text.replaceAll("\n", "\r\n")}\r\n`;
    const edited = editText(windows, "a.yaml", [
      { set: "train.batch_size=8" },
      { set: "model.stages[+]={a: 1}" },
    ]).value!;
    expect(edited).toBe(`\uFEFF${edited.slice(1).replaceAll("\r\n", "\n").replaceAll("\n", "\r\n")}`);
    expect(edited.endsWith("  epochs: 3\r\n  batch_size: 8\r\n")).toBe(true);
  });

  it("replaces a block of text with its lines and no more", () => {
    const block = "name: >-\n  a\n  b\n\n# next\nseed: 1\n";
    expect(editText(block, "a.yaml", [{ set: "name=c" }]).value).toBe("name: c\n\n# next\nseed: 1\n");
    expect(editText(block, "a.yaml", [{ unset: "name" }]).value).toBe("\n# next\nseed: 1\n");
  });

  it("changes nothing that an anchor shares", () => {
    const shared = "a: &x 1\nb: *x\nc: &m { k: 1 }\nd: { <<: *m, e: 2 }\n";
    const outcome = (set: string) => editText(shared, "a.yaml", [{ set }]).value ?? "refused";
    expect(outcome("a=2")).toBe("refused");
    expect(outcome("b=2")).toBe(shared.replace("b: *x", "b: 2"));
    expect(outcome("d.k=3")).toBe(shared.replace("e: 2 }", "e: 2, k: 3 }"));
    expect(outcome("c.k=3")).toBe("refused");
  });

  it("replaces a short form, or an option, by the smallest part that holds the change", () => {
    const train =
      "train:\n  # rate\n  learning_rate: 0.1 # constant\n  optimizer:\n    sgd: { momentum: 0.9 }\n  epochs: 3\n";
    const edited = editText(train, "a.yaml", [
      { set: "train.learning_rate.constant.warmup_epochs=2" },
      { set: "train.optimizer.adam.beta1=0.8" },
    ]);
    expect(edited.value).toBe(
      "train:\n  # rate\n  learning_rate: {constant: {rate: 0.1, warmup_epochs: 2}} # constant\n  optimizer: {adam: {beta1: 0.8}}\n  epochs: 3\n",
    );
  });

  it("applies several edits in order, or reports all that is wrong with them", () => {
    const both = editText(text, "a.yaml", [{ set: "train.epochs=4" }, { unset: "train.epochs" }, { set: "train.x=1" }]);
    expect(both.value).toBe(text.replace("train:\n  epochs: 3", "train: {x: 1}"));
    const faults = editText(text, "a.yaml", [{ set: "train" }, { unset: "x.y" }]).diagnostics;
    expect(faults.map(({ code }) => code)).toEqual(["set/syntax", "set/unknown-path"]);
  });

  it("sets any value of the shipped files to any other, or refuses; comments stay", () => {
    const folder = new URL("../../configs/", import.meta.url);
    const files = readdirSync(folder)
      .filter((name) => name.endsWith(".yaml"))
      .map((name) => readFileSync(new URL(name, folder), "utf8"));
    const values = ["1", "x", "a: b", "'q'", "[1, 2]", "{a: {b: 1}}", '"# no"', "null"];
    let done = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.nat(),
        fc.constantFrom(...values),
        fc.boolean(),
        (original, pick, value, unset) => {
          const paths = pathsOf(parse(original, "").value!.root);
          const path = paths[pick % paths.length]!;
          const { value: edited } = editText(original, "", [unset ? { unset: path } : { set: `${path}=${value}` }]);
          if (edited === undefined) return;
          done++;
          const changed = lineDiff(original, edited).filter((line) => line.startsWith("-")).length;
          expect(changed).toBeLessThanOrEqual(original.split("\n").length);
          expect(edited.split("\n")[0]).toBe(original.split("\n")[0]);
        },
      ),
      { numRuns: 400, seed: 3 },
    );
    expect(done).toBeGreaterThan(350);
  });
});

function changedLines(edit: Edit): string {
  const { value, diagnostics } = editText(text, "a.yaml", [edit]);
  expect(diagnostics).toEqual([]);
  return lineDiff(text, value!)
    .filter((line) => /^[-+]/.test(line))
    .join("\n");
}

function pathsOf(node: YamlNode, path = ""): string[] {
  if (node.kind === "list")
    return [...(path ? [path] : []), ...childrenOf(node).flatMap((item, index) => pathsOf(item, `${path}[${index}]`))];
  if (node.kind !== "map") return [path];
  return [
    ...(path ? [path] : []),
    ...node.entries.flatMap(({ key, value }) => pathsOf(value, path ? `${path}.${key}` : key)),
  ];
}
