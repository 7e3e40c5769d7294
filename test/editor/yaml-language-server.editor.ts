// What a user sees in any editor with the YAML language server, given the first line that the files in configs/ have:
// completion, hovers, and flags at the very place where netc check reports.
import { readFileSync, readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { positionAt } from "../../src/compiler/diagnostics/code-frame.js";
import { compileText } from "../../src/compiler/compile.js";
import type { Position } from "./language-server.js";
import { LanguageServer } from "./language-server.js";

const configs = new URL("../../configs/", import.meta.url);
const [header] = readFileSync(new URL("smoke.yaml", configs), "utf8").split("\n");
const text = `${header}
name: demo
data:
  dataset: { synthetic: { classes: 4 } }
model:
  stem: { channels: 16 }
  stages:
    - channels: 16
      blocks: 1
      stride: 1
      norm: batch
train:
  epochs: 3
  batch_size: 128
  learning_rate: 0.1
  optimizer: sgd
`;

const server = new LanguageServer();
beforeAll(() => server.start());
afterAll(() => server.stop());

let count = 0;

/** As if saved beside the shipped files, so that the header's path leads to the schema. */
function newUri(): string {
  return new URL(`editor-test-${count++}.yaml`, configs).href;
}

function positionOf(source: string, part: string): Position {
  const before = source.slice(0, source.indexOf(part)).split("\n");
  return { line: before.length - 1, character: before.at(-1)!.length };
}

it.each(readdirSync(configs).filter((name) => name.endsWith(".yaml")))("flags nothing in %s", async (name) => {
  expect(await server.open(newUri(), readFileSync(new URL(name, configs), "utf8"))).toEqual([]);
});

describe("completion", () => {
  async function labelsAt(source: string, part: string, offset = 0): Promise<string[]> {
    const uri = newUri();
    await server.open(uri, source);
    const { line, character } = positionOf(source, part);
    const items = await server.complete(uri, { line, character: character + offset });
    return items.map(({ label }) => label);
  }

  it("offers the keys of a stage that are not there yet", async () => {
    const labels = await labelsAt(text.replace("norm: batch", "p"), "p\ntrain", 1);
    expect(labels).toEqual(expect.arrayContaining(["pool", "projection", "norm", "activation"]));
    expect(labels).not.toContain("channels");
    expect(labels).not.toContain("epochs");
  });

  it("offers the values of an enumeration", async () => {
    const labels = await labelsAt(text.replace("stride: 1", "activation: "), "activation: ", "activation: ".length);
    expect(labels).toEqual(expect.arrayContaining(["relu", "none"]));
  });
});

describe("hovering", () => {
  it.each([
    ["stride", "2 halves the map"],
    ["batch_size", "Images in one step."],
    ["learning_rate", "Size of the updates"], // in its short form
    ["optimizer", "How gradients become updates."], // by a name
    ["dataset", "The images to train and test on."], // by a name with settings
    ["norm", "Normalisation after each convolution."],
  ])("over %s shows what it means", async (key, meaning) => {
    const uri = newUri();
    await server.open(uri, text);
    const shown = await server.hover(uri, positionOf(text, key));
    expect(shown.replaceAll("\\", "").replaceAll("&#39;", "'")).toContain(meaning);
  });
});

describe("a wrong value is flagged where netc check reports it", () => {
  it.each<[string, string]>([
    ["blocks: 1", "blocks: many"],
    ["blocks: 1", "blocks: 0"],
    ["stride: 1", "stride: 1.5"],
    ["stride: 1", "activation: rleu"],
    ["channels: 16 }", "channels: 16, bias: 1 }"],
    ["epochs: 3", "epochs: -3"],
    ["batch_size: 128", 'batch_size: "128"'],
    ["stride: 1", "strde: 1"],
    ["epochs: 3", "epocs: 3\n  epochs: 3"],
  ])("%s written as %s", async (right, wrong) => {
    const source = text.replace(right, wrong);
    const uri = newUri();
    const flags = await server.open(uri, source);
    const { diagnostics } = compileText(source, uri);
    const places = diagnostics.map(({ span }) => ({
      start: toProtocol(positionAt(source, span!.start)),
      end: toProtocol(positionAt(source, span!.end)),
    }));
    expect(places).toHaveLength(1);
    expect(flags.map(({ range }) => range)).toEqual(places);
  });
});

function toProtocol({ line, column }: { readonly line: number; readonly column: number }): Position {
  return { line: line - 1, character: column - 1 };
}
