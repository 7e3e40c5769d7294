// ResolvedConfig → ShapedGraph: stem, stages of blocks, pooling and classifier, each a list of layers, become typed nodes.
// Each node remembers the value of the file that asked for it, so that a later pass can still point there.
import { findBlock } from "../blocks/find-block.js";
import type { Block, Described } from "../blocks/find-block.js";
import { numberOf } from "../blocks/evaluate.js";
import type { Names } from "../blocks/evaluate.js";
import type { LayerConfig, Layers, ModelConfig, ResolvedConfig, StageConfig, StemConfig } from "../config.js";
import type { Path, Result } from "../diagnostics/diagnostic.js";
import { failed, hasErrors, invariant, ok } from "../diagnostics/diagnostic.js";
import type { ShapedGraph } from "./graph.js";
import { formatShape } from "./infer-shapes.js";
import { NetworkBuilder, Namer, TooManyLayers } from "./network-builder.js";
import type { Scope } from "./network-builder.js";

export function buildGraph(config: ResolvedConfig): Result<ShapedGraph> {
  const builder = new NetworkBuilder();
  try {
    buildModel(builder, config);
  } catch (error) {
    if (!(error instanceof TooManyLayers)) throw error;
    const stage = Number(/^stages\.(\d+)/.exec(builder.nodes.at(-1)!.name)?.[1] ?? 0);
    builder.diagnostics.push({
      code: "shape/too-many-blocks",
      severity: "error",
      message: `the network has more than ${builder.nodes.length.toLocaleString("en-US")} layers by this stage`,
      path: ["model", "stages", stage],
      hint: "use fewer blocks, or fewer layers in each",
    });
  }
  const { nodes, diagnostics } = builder;
  return hasErrors(diagnostics) ? failed(diagnostics) : ok({ nodes }, diagnostics);
}

function buildModel(builder: NetworkBuilder, config: ResolvedConfig): void {
  const { model } = config;
  const { classes, bias, scale, layers } = model.classifier;
  const scopeAt = (prefix: string, origin: Path, own: Partial<Scope> = {}): Scope => ({
    prefix: `${prefix}.`,
    namer: new Namer([]),
    norm: model.norm,
    activation: model.activation,
    bias: false,
    out: undefined,
    names: (name) => (name === "classes" ? classes : undefined),
    originOf: () => origin,
    path: origin,
    title: `\`${origin.slice(1).join(".")}\``,
    ...own,
  });

  let current = builder.add("input", { kind: "input", ...model.input }, [], ["model", "input"]);
  const stem = ["model", "stem"];
  current = isList(model.stem)
    ? builder.run(model.stem, current, scopeAt("stem", stem))
    : builder.run(stemLayers(model.stem), current, scopeAt("stem", stem, shortForm(model.stem, stem)));

  model.stages.forEach((stage, index) => {
    const origin: Path = ["model", "stages", index];
    const common: Partial<Scope> = { norm: stage.norm, activation: stage.activation, out: stage.channels };
    if (stage.pool) {
      const scope = scopeAt(`stages.${index}`, [...origin, "pool"], { ...common, path: undefined });
      current = builder.run([{ max_pool: stage.pool.max }], current, scope);
    }
    current = builder.run(stage.before, current, scopeAt(`stages.${index}.before`, [...origin, "before"], common));
    current = addStage(builder, config, stage, index, current);
  });

  const head = new Namer([]);
  const pooling = ["model", "pooling"];
  current = isList(model.pooling)
    ? builder.run(model.pooling, current, scopeAt("head", pooling, { namer: head }))
    : builder.run([poolingLayer(model.pooling)], current, {
        ...scopeAt("", pooling, { path: undefined }),
        prefix: "",
        namer: { next: () => "pooling" },
      });
  const origin: Path = ["model", "classifier"];
  current = builder.run(layers, current, scopeAt("head", [...origin, "layers"], { namer: head }));
  current = builder.add("classifier", { kind: "linear", features: classes, bias }, [current], origin);
  if (scale !== 1) builder.add("scale", { kind: "scale", factor: scale }, [current], [...origin, "scale"]);
}

function isList(value: unknown): value is Layers {
  return Array.isArray(value);
}

function stemLayers({ channels, kernel, stride, padding, bias, pool }: StemConfig): Layers {
  const conv = { conv: { channels, kernel, stride, padding, bias } };
  return [conv, "norm", "activation", ...(pool ? [{ max_pool: pool.max }] : [])];
}

/** What a map of settings stands for has no layers of its own in the file, and is asked for by the map's keys. */
function shortForm({ norm, activation }: Pick<StageConfig, "norm" | "activation">, origin: Path): Partial<Scope> {
  const keys: Readonly<Record<string, string>> = { norm: "norm", activation: "activation", max_pool: "pool" };
  const originOf = (kind: string): Path => (Object.hasOwn(keys, kind) ? [...origin, keys[kind]!] : origin);
  return { norm, activation, originOf, path: undefined };
}

function poolingLayer(pooling: Exclude<ModelConfig["pooling"], Layers>): LayerConfig {
  if (pooling === "global_average") return pooling;
  return "average" in pooling ? { average_pool: pooling.average } : { max_pool: pooling.max };
}

// ---------------------------------------------------------------- stages

function addStage(
  builder: NetworkBuilder,
  { blocks, model }: ResolvedConfig,
  stage: StageConfig,
  index: number,
  input: number,
): number {
  const [name, given] = typeof stage.block === "string" ? [stage.block, {}] : Object.entries(stage.block)[0]!;
  const block = findBlock(name, blocks);
  invariant(block, `there is no block ${name}`);
  let current = input;
  for (let number = 0; number < stage.blocks; number++) {
    current = new BlockBuilder(builder, model, stage, index, block, given, number, current).build();
  }
  return current;
}

/** One block of a stage. */
class BlockBuilder {
  readonly #scope: Scope;
  readonly #namer = new Namer(["conv", "norm", "activation", "path"]);

  constructor(
    readonly builder: NetworkBuilder,
    readonly model: ModelConfig,
    readonly stage: StageConfig,
    readonly index: number,
    readonly block: Block,
    readonly given: Readonly<Record<string, unknown>>,
    readonly number: number,
    readonly input: number,
  ) {
    const origin: Path = ["model", "stages", index];
    this.#scope = {
      prefix: `stages.${index}.blocks.${number}.`,
      namer: this.#namer,
      norm: stage.norm,
      activation: stage.activation,
      bias: false,
      out: stage.channels,
      names: this.#names(),
      originOf: (kind, reads) => {
        const setting = reads.find((name) => Object.hasOwn(given, name));
        if (setting !== undefined) return [...origin, "block", block.name, setting];
        return kind === "norm" || kind === "activation" ? [...origin, kind] : origin;
      },
      path: undefined,
      title: `the block \`${block.name}\``,
    };
  }

  get #origin(): Path {
    return ["model", "stages", this.index];
  }

  /** 0 in the network's first block, 1 in its last. */
  #depthShare(): number {
    const counts = this.model.stages.map(({ blocks }) => blocks);
    const before = counts.slice(0, this.index).reduce((sum, count) => sum + count, this.number);
    const last = counts.reduce((sum, count) => sum + count, 0) - 1;
    return last === 0 ? 0 : before / last;
  }

  #names(): Names {
    const { stage, number, given, block } = this;
    const known: Readonly<Record<string, number>> = {
      in: this.builder.shapeOf(this.input).channels,
      out: stage.channels,
      stage: number === 0 ? stage.stride : 1,
      first: number === 0 ? 1 : 0,
      depth_share: this.#depthShare(),
      activation_before_add: stage.activation_before_add ? 1 : 0,
      classes: this.model.classifier.classes,
    };
    const settings = new Map<string, unknown>();
    const names: Names = (name) => {
      if (Object.hasOwn(known, name)) return known[name];
      if (!Object.hasOwn(block.settings, name)) return undefined;
      if (!settings.has(name)) {
        settings.set(name, undefined); // a setting that reads itself finds nothing
        const value = Object.hasOwn(given, name) ? given[name] : block.settings[name]!.default;
        const computed = typeof value === "string" ? numberOf(value, names) : Number.NaN;
        settings.set(name, Number.isNaN(computed) ? value : computed);
      }
      return settings.get(name);
    };
    return names;
  }

  build(): number {
    const { builder, block, stage, input } = this;
    const scope = this.#scope;
    const behind = this.#run(block.before, input, scope);
    const branch = block.branch.reduce((current, list) => this.#run(list, current, scope), behind);
    const after = { ...scope, namer: new Namer([], this.#namer.taken) };
    if (!block.shortcut) return this.#run(block.after, branch, after);

    const isProjected =
      this.number === 0 &&
      (stage.projection === "subsample" || (stage.projection !== false && block.projection !== undefined));
    const shortcut = isProjected ? this.#projection(input, behind) : this.#identity(branch);
    if (shortcut === undefined) return this.#run(block.after, branch, after);
    if (block.path) this.#reportMismatch(branch, shortcut, isProjected);
    const described = block.path;
    const sum = builder.add(
      `${scope.prefix}${after.namer.next("add")}`,
      { kind: "add" },
      [branch, shortcut],
      this.#origin,
      described,
    );
    return this.#run(block.after, sum, after);
  }

  /** In a block that the file describes, where both sides end and which edit makes them meet. */
  #reportMismatch(branch: number, shortcut: number, isProjected: boolean): void {
    const { builder, block, stage } = this;
    const [one, other] = [branch, shortcut].map((node) => formatShape(builder.shapeOf(node))) as [string, string];
    if (one === other || !block.path) return;
    const side = isProjected ? "projection" : "shortcut";
    const placeOf = (node: number, key: string): Path => builder.nodes[node]!.described ?? [...block.path!, key];
    const projects = block.projection !== undefined && block.projection !== "none";
    const mend = projects
      ? "set `projection: true` on this stage"
      : "give the block a `projection: [{ conv: { kernel: 1, stride: stage } }, norm]`, and set `projection: true` on this stage";
    const canBeMended = !isProjected && this.number === 0 && builder.shapeOf(branch).channels === stage.channels;
    builder.report(
      {
        code: "shape/residual-mismatch",
        severity: "error",
        message: `the branch of \`${block.name}\` ends with ${one} here, its ${side} with ${other}; they are added, so they must be equal`,
        path: placeOf(branch, "branch"),
        hint: canBeMended ? mend : "let both end with the same channels, and with strides that come to the same",
        related: [
          {
            message: `its ${side} ends with ${other}`,
            path: isProjected ? placeOf(shortcut, "projection") : [...this.#origin],
          },
          ...(isProjected ? [{ message: "it is used here", path: this.#origin }] : []),
        ],
      },
      [branch, shortcut],
    );
    builder.setAside(branch, shortcut);
  }

  /** The block's own, or every stride-th pixel; undefined where the block has none. */
  #projection(input: number, behind: number): number | undefined {
    const { builder, block, stage } = this;
    const { projection } = stage;
    const scope = this.#scope;
    const origin: Path = [...this.#origin, "projection"];
    if (projection === "subsample") {
      const op = { kind: "subsample", channels: stage.channels, stride: [stage.stride, stage.stride] } as const;
      return builder.add(`${scope.prefix}projection`, op, [input], origin);
    }
    if (block.projection === "none" || block.projection === undefined || projection === false) return undefined;
    return this.#run(block.projection, behind, {
      ...scope,
      prefix: `${scope.prefix}projection.`,
      namer: new Namer([]),
      norm: projection.norm,
      bias: projection.bias,
      originOf: () => origin,
    });
  }

  /** The input; undefined where it does not fit and the block then goes without. */
  #identity(branch: number): number | undefined {
    const { builder, block, input } = this;
    const [from, to] = [builder.shapeOf(input), builder.shapeOf(branch)];
    if (block.projection === "none" && JSON.stringify(from) !== JSON.stringify(to)) return undefined;
    const scope = this.#scope;
    return this.#run(block.identity, input, { ...scope, prefix: `${scope.prefix}identity.`, namer: new Namer([]) });
  }

  #run({ layers, path }: Described, input: number, scope: Scope): number {
    return this.builder.run(layers, input, { ...scope, path });
  }
}
