// The PyTorch project of one file, kept whole under test/fixtures/export/pytorch and read there (renew with `vitest -u`); what
// it refuses; and that no name of a network can reach into a generated file. PyTorch itself runs it in test/exports.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { compileConfig, compileText } from "../../../src/compiler/compile.js";
import { invariant } from "../../../src/compiler/diagnostics/diagnostic.js";
import type { ResolvedConfig } from "../../../src/compiler/config.js";
import { FORMAT } from "../../../src/runtime/run/manifest.js";
import { BEGINNING } from "../../../src/runtime/training/training-progress.js";
import type { Keys } from "../../../src/runtime/export/pytorch/unwritable.js";
import { faultsOf, unwritable } from "../../../src/runtime/export/pytorch/unwritable.js";
import { pytorchProject } from "../../../src/runtime/export/pytorch/pytorch-project.js";
import type { ExportSource } from "../../../src/runtime/export/source.js";
import { recipes } from "../../exports/recipes.js";
import { tinyConfig } from "../../support/tiny-config.js";

const TEXT = `name: golden
data:
  dataset: cifar10
  resize: 24
  augment: [{random_crop: {padding: 4, mode: reflect}}, horizontal_flip, {cutout: {size: 8}}]
model:
  stem: {channels: 16, pool: {max: {kernel: 3, stride: 2, padding: 1}}}
  stages:
    - {channels: 16, blocks: 4}
    - {channels: 32, blocks: 2, stride: 2, projection: true}
    - {channels: 64, blocks: 1, pool: {max: {kernel: 2, stride: 2}}, projection: {bias: true, norm: none}}
  pooling: {average: {kernel: 2}}
train:
  epochs: 30
  batch_size: 128
  optimizer: {sgd: {momentum: 0.9, nesterov: true, weight_decay: 5e-4, decay_norm_and_bias: false}}
  learning_rate: {cosine: {rate: 0.1, warmup_epochs: 1}}
  initialization: {weights: kaiming_normal, bias: uniform_fan_in, zero_last_norm: true}
  weight_average: {ema: {decay: 0.99}}
  evaluation: {flip: true}
`;

function sourceOf(config: ResolvedConfig): ExportSource {
  const { value: program, diagnostics } = compileConfig(config);
  invariant(program, JSON.stringify(diagnostics));
  return { program, classes: [], trained: undefined, placeOf: (path) => path.join(".") };
}

async function filesOf(config: ResolvedConfig): Promise<Map<string, string>> {
  return (await pytorchProject(sourceOf(config))) as Map<string, string>;
}

describe("the PyTorch project of a file", () => {
  it("is the one that is kept", async () => {
    const { value } = compileText(TEXT, "golden.yaml");
    const files = await filesOf(value!.config);
    expect([...files.keys()].toSorted()).toMatchInlineSnapshot(`
      [
        ".dockerignore",
        "Dockerfile",
        "README.md",
        "checkpoint.py",
        "config.py",
        "config.yaml",
        "data.py",
        "initialization.py",
        "launch/one-node.sh",
        "launch/several-nodes.sh",
        "launch/slurm.sbatch",
        "launch/trainjob.yaml",
        "model.py",
        "optimizer.py",
        "pyproject.toml",
        "randomness.py",
        "requirements.txt",
        "schedule.py",
        "train.py",
      ]
    `);
    for (const [path, text] of files) {
      await expect(text, path).toMatchFileSnapshot(`../../fixtures/export/pytorch/${path}`);
    }
  });

  it("has a configuration that means the same", async () => {
    const { value } = compileText(TEXT, "golden.yaml");
    const files = await filesOf(value!.config);
    expect(compileText(files.get("config.yaml")!, "config.yaml").value!.config).toEqual(value!.config);
  });

  it("writes checkpoints of netc's format, with all of a run's progress", async () => {
    const files = await filesOf(tinyConfig());
    expect(files.get("checkpoint.py")).toContain(`FORMAT = "${FORMAT}"`);
    const [, beginning = ""] = /^BEGINNING.*?\{\n(.*?)^\}/ms.exec(files.get("train.py")!)!;
    expect([...beginning.matchAll(/"(\w+)":/g)].map(([, key]) => key)).toEqual(Object.keys(BEGINNING));
  });

  it("makes one class of blocks that differ in channels and strides alone", async () => {
    const base = tinyConfig();
    const stage = base.model.stages[0]!;
    const strides = [1, 2].map((stride, index) => ({ ...stage, stride, channels: 6 + index }));
    const files = await filesOf(tinyConfig({ model: { stages: strides } }));
    const model = files.get("model.py")!;
    expect(model.match(/^class \w+/gm)).toEqual(["class ProjectionBlock", "class ResidualBlock", "class Tiny"]);
    expect(model).toContain("def __init__(self, in_channels: int, channels: int, stride: int) -> None:");
    expect(model).toContain("ProjectionBlock(in_channels=6, channels=7, stride=2),");
  });
});

describe("what cannot be written", () => {
  it("is nothing of a plain file", () => {
    expect(unwritable(tinyConfig())).toEqual([]);
  });

  it("is no memory plan of netc's own, which changes no number, and no evaluation within epochs", () => {
    const { train } = tinyConfig();
    const evaluation = { ...train.evaluation, every_epochs: null, every_steps: 3 };
    expect(unwritable(tinyConfig({ train: { ...train, recompute: true, evaluation } }))).toEqual([]);
  });

  it("would be named with its place, whatever else the section asks for", () => {
    const keys: Keys<{ known: number; newer: number }> = {
      known: "written",
      newer: (value) => (value === 0 ? undefined : "the PyTorch project has no newer ones yet"),
    };
    expect(faultsOf(["train"], { known: 1, newer: 0 }, keys)).toEqual([]);
    expect(faultsOf(["train"], { known: 1, newer: 2 }, keys)).toEqual([
      { path: ["train", "newer"], message: "the PyTorch project has no newer ones yet" },
    ]);
  });
});

describe("a part of the language", () => {
  /** What a part is in the scripts, and whose files ask for it. */
  const parts: Readonly<Record<string, readonly string[]>> = {
    "def place_of(": ["speedrun", "muon", "mixup", "cutmix"],
    "class Optimizers:": ["muon", "cutmix"],
    "class Muon(": ["muon"],
    "class DecoupledSGD(": ["decoupled", "cutmix"],
    "def whitening_filters(": ["speedrun", "muon"],
    "nn.init.dirac_(": ["speedrun", "muon"],
    "def truncated(": ["decoupled"],
    "def orthogonal(": ["mixup"],
    "clip_grad_norm_(": ["decoupled"],
    "def gradients_shared(": ["decoupled", "cutmix"],
    "def skip_step(": ["mixup"],
    "def views_of(": ["speedrun", "muon"],
    "value.copy_(average)": ["speedrun"],
    "The plain mean of the weights": ["decoupled"],
    "class MixedBatches:": ["mixup", "cutmix"],
    "def mixup(": ["mixup"],
    "def cutmix(": ["cutmix"],
    "def adjust_hue(": ["cutmix"],
    "def crop_box(": ["cutmix"],
    "def stops_early(": [],
    "def best_steps(": [],
    "def read_folder(": [],
  };

  it("is written where the file asks for it, and nowhere else", async () => {
    const texts = { ...recipes, plain: undefined };
    const found: Record<string, string[]> = Object.fromEntries(Object.keys(parts).map((part) => [part, []]));
    for (const [name, text] of Object.entries(texts)) {
      if (name === "folders") continue; // needs pictures: test/exports
      const { value } = text === undefined ? { value: { config: tinyConfig() } } : compileText(text, `${name}.yaml`);
      const all = [...(await filesOf(value!.config)).values()].join("\n");
      for (const part of Object.keys(parts)) if (all.includes(part)) found[part]!.push(name);
    }
    expect(found).toEqual(parts);
  });
});

describe("names of a network", () => {
  /** What a name may try: to end a string or a comment, to begin a template, to be an option or a path. */
  const hostile = [
    "a'b\"c\\",
    '"""\nimport os\n"""',
    "{{name}} {{{name}}} {{#each x}}",
    "a\nb: c\n---\n- d",
    "# x",
    "--help",
    "../../etc/passwd",
    "$(touch x) `touch x` ; rm",
    "<script>alert(1)</script>",
    "[a](b) ![c](d) | e |",
    "ÄÖ 网络 😀 \u202e\u2028\u0085",
    "None",
    "yes",
    "1e3",
    "~",
    "",
    " ",
    "%s %(name)s {x}",
    "x".repeat(5000),
  ];

  it("reach no generated file but as a class, a label, a title and a value of YAML", async () => {
    const plain = await filesOf(tinyConfig({ name: "plain" }));
    const check = async (name: string): Promise<void> => {
      const files = await filesOf(tinyConfig({ name }));
      const network = /^class (\w+)\(nn\.Module\):$/gm;
      const className = [...files.get("model.py")!.matchAll(network)].at(-1)![1]!;
      expect(className).toMatch(/^[A-Z][A-Za-z0-9]*$/i);
      const label = parse(files.get("launch/trainjob.yaml")!).metadata.name as string;
      expect(label).toMatch(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/);
      for (const [path, text] of files) {
        if (path === "config.yaml") {
          expect(parse(text, { version: "1.2" }).name, path).toBe(name);
          continue;
        }
        let expected = plain
          .get(path)!
          .replaceAll(/\bPlain\b/g, className)
          .replaceAll(/\bplain\b/g, label);
        if (path === "README.md") {
          const [title] = text.split("\n");
          expect(title).not.toMatch(/[<>`[\]|\\*_{}]/);
          expected = expected.replace(/^.*/, title!.replaceAll("$", "$$$$"));
        }
        expect(text, path).toBe(expected);
      }
    };
    for (const name of hostile) await check(name);
    await fc.assert(fc.asyncProperty(fc.string({ unit: "binary", maxLength: 40 }), check), { numRuns: 60 });
  });

  it("nor do those of folders and classes of pictures", async () => {
    const projectOf = async (folder: string, classes: readonly string[]): Promise<Map<string, string>> => {
      const size = { height: 8, width: 8 };
      const counted = { train_images: 24, test_images: 8, classes };
      const images = {
        folder,
        size,
        resize: null,
        interpolation: "bilinear" as const,
        grayscale: false,
        validation_share: 0.2,
        broken: "error" as const,
        held_in: "memory" as const,
        ...counted,
      };
      const config = tinyConfig();
      return await filesOf({ ...config, data: { ...config.data, dataset: { images } } });
    };
    const { classes } = tinyConfig().model.classifier;
    const plain = await projectOf(
      "pictures",
      Array.from({ length: classes }, (_, index) => `class ${index}`),
    );
    for (const name of hostile) {
      const files = await projectOf(
        name,
        Array.from({ length: classes }, (_, index) => `${name}${index}`),
      );
      const { images } = parse(files.get("config.yaml")!, { version: "1.2" }).data.dataset;
      expect([images.folder, images.classes[1]]).toEqual([name, `${name}1`]);
      for (const [path, text] of files) if (path !== "config.yaml") expect(text, path).toBe(plain.get(path));
    }
  });
});
