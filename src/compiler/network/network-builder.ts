// Lists of layers → nodes: names them, works out their shapes as they come, evaluates what they say, and remembers for each the
// place of the file that asked for it.
import { BadValue, evaluate } from "../blocks/evaluate.js";
import type { Names } from "../blocks/evaluate.js";
import type { Layer, Site } from "../blocks/layer.js";
import { layers as table } from "../blocks/layers.js";
import type { ActivationConfig, LayerConfig, Layers, NormConfig } from "../config.js";
import type { Diagnostic, Path } from "../diagnostics/diagnostic.js";
import { invariant } from "../diagnostics/diagnostic.js";
import { formatShape, shapeAfter } from "./infer-shapes.js";
import type { Op, Shape, ShapedNode } from "./graph.js";

/** What holds for the layers of a list. */
export interface Scope {
  /** "stages.1.blocks.0", before the names of its nodes. */
  readonly prefix: string;
  readonly namer: Pick<Namer, "next">;
  readonly norm: NormConfig;
  readonly activation: ActivationConfig;
  readonly bias: boolean;
  readonly out: number | undefined;
  /** Of settings and of what blocks know besides, `here` aside. */
  readonly names: Names;
  /** The part of the file that asked for a layer of this kind, and read these names. */
  readonly originOf: (kind: string, reads: readonly string[]) => Path;
  /** Where the list is described, if that is in the file. */
  readonly path: Path | undefined;
  /** What the list is called where something is wrong in it: "the block `bottleneck`". */
  readonly title: string;
}

/** More layers than any network has. */
const MOST_LAYERS = 30_000;

export class TooManyLayers extends Error {}

/** Thrown by a layer that cannot be built where it stands, once its fault is noted. */
class Refused extends Error {}

export class NetworkBuilder {
  readonly nodes: ShapedNode[] = [];
  readonly diagnostics: Diagnostic[] = [];
  /** Nodes without a shape of their own, whose cause is reported: what is wrong behind them is a consequence. */
  readonly #shapeless = new Set<number>();
  readonly #reported = new Set<string>();

  add(name: string, op: Op, inputs: readonly number[], origin: Path, described?: Path): number {
    if (this.nodes.length === MOST_LAYERS) throw new TooManyLayers();
    const node = { name, op, inputs, origin, ...(described ? { described } : {}) };
    const shapes = inputs.map((input) => this.nodes[input]!.shape);
    const isShapeless = inputs.some((input) => this.#shapeless.has(input));
    const { shape, fault = undefined } = isShapeless ? { shape: undefined } : shapeAfter(this.nodes, node, shapes);
    if (fault) this.report(fault, inputs);
    if (!shape) this.#shapeless.add(this.nodes.length);
    this.nodes.push({ ...node, shape: shape ?? shapes[0]! });
    return this.nodes.length - 1;
  }

  /** Reports a fault of a layer over these nodes once, and none that follows from another. */
  report(fault: Diagnostic, inputs: readonly number[]): void {
    if (inputs.some((input) => this.#shapeless.has(input))) return;
    const key = `${fault.code} ${fault.path?.join(".")}`;
    if (!this.#reported.has(key)) this.diagnostics.push(fault);
    this.#reported.add(key);
  }

  shapeOf(node: number): Shape {
    return this.nodes[node]!.shape;
  }

  /** Nothing more is said about what follows from these nodes. */
  setAside(...nodes: readonly number[]): void {
    for (const node of nodes) this.#shapeless.add(node);
  }

  /** The node behind the last layer, or `input` where there are none. */
  run(layers: Layers, input: number, scope: Scope): number {
    return layers.reduce<number>((current, layer, index) => {
      const [kind, written] = typeof layer === "string" ? [layer, {}] : Object.entries(layer)[0]!;
      const steps: Path = typeof layer === "string" ? [index] : [index, kind];
      return this.#layer(kind, written, current, { ...scope, path: scope.path && [...scope.path, ...steps] });
    }, input);
  }

  #layer(kind: string, written: unknown, input: number, scope: Scope): number {
    const row = table[kind];
    invariant(row, `there is no layer ${kind}`);
    const reads: string[] = [];
    const here = this.shapeOf(input).channels;
    const names: Names = (name) => {
      reads.push(name);
      return name === "here" ? here : scope.names(name);
    };
    const site = new LayerSite(this, kind, row, input, scope, reads);
    try {
      if (row.takes === "map" && this.shapeOf(input).kind === "vector") {
        return site.fault(
          `takes a map, but what comes in is a vector of ${formatShape(this.shapeOf(input))}`,
          kind === "conv"
            ? "write `linear`, or put the convolution before `global_average`"
            : "put it before `global_average`",
        );
      }
      const settings = row.settings ? evaluate(row.settings, written, names) : {};
      return row.build(site, input, settings as never);
    } catch (error) {
      if (error instanceof BadValue) {
        const { at, message, hint } = error.fault;
        site.note(message, hint, at);
      } else if (!(error instanceof Refused)) throw error;
      // A stand-in, so that the layers behind it are not blamed
      this.nodes.push({ ...this.nodes[input]!, inputs: [input] });
      this.setAside(this.nodes.length - 1);
      return this.nodes.length - 1;
    }
  }
}

class LayerSite implements Site {
  readonly norm: NormConfig;
  readonly activation: ActivationConfig;
  readonly bias: boolean;
  readonly out: number | undefined;
  /** The name that nodes with parts begin with. */
  #own: string | undefined;

  constructor(
    readonly builder: NetworkBuilder,
    readonly kind: string,
    readonly row: Layer,
    readonly input: number,
    readonly scope: Scope,
    readonly reads: readonly string[],
  ) {
    ({ norm: this.norm, activation: this.activation, bias: this.bias, out: this.out } = scope);
    // A norm or an activation that a stage goes without counts all the same
    const isCounted = kind === "norm" || kind === "activation";
    if (isCounted) this.#own = scope.namer.next(row.called);
  }

  shapeOf(node: number): Shape {
    return this.builder.shapeOf(node);
  }

  add(op: Op, inputs: readonly number[], part?: string): number {
    const { namer, prefix } = this.scope;
    const name = part === undefined ? this.#takeName() : `${(this.#own ??= namer.next(this.row.called))}.${part}`;
    return this.builder.add(`${prefix}${name}`, op, inputs, this.#origin(), this.scope.path);
  }

  #takeName(): string {
    const name = this.#own ?? this.scope.namer.next(this.row.called);
    this.#own = undefined;
    return name;
  }

  run(layers: Layers, input: number, at: readonly (string | number)[], part?: string): number {
    const { scope } = this;
    const path = scope.path && [...scope.path, ...at];
    if (part === undefined || layers.length === 0) return this.builder.run(layers, input, { ...scope, path });
    const prefix = `${scope.prefix}${scope.namer.next(part)}.`;
    return this.builder.run(layers, input, { ...scope, path, prefix, namer: new Namer([]) });
  }

  fault(message: string, hint?: string, key?: string): never {
    this.note(message, hint, key === undefined ? [] : [key]);
    throw new Refused(message);
  }

  note(message: string, hint: string | undefined, at: readonly string[]): void {
    const { path, title } = this.scope;
    const origin = this.#origin();
    const key = at.at(-1);
    const isOfAStage = origin[1] === "stages";
    const fault: Diagnostic = {
      code: "block/bad-value",
      severity: "error",
      message: `${key === undefined ? `\`${this.kind}\`` : `${key} of \`${this.kind}\``} in ${title} ${message}`,
      path: path ? [...path, ...at] : origin,
      // A block of netc's cannot be edited
      ...(hint && path ? { hint } : {}),
      ...(path && path !== origin && isOfAStage ? { related: [{ message: "it is used here", path: origin }] } : {}),
    };
    this.builder.report(fault, [this.input]);
  }

  #origin(): Path {
    return this.scope.originOf(this.kind, this.reads);
  }
}

/** Gives names that no other node of the block has. */
export class Namer {
  readonly #counts = new Map<string, number>();

  /** `numbered`: what is numbered from the first one on. */
  constructor(
    readonly numbered: readonly string[],
    readonly taken: Set<string> = new Set(),
  ) {}

  next(called: string): string {
    for (;;) {
      const count = (this.#counts.get(called) ?? 0) + 1;
      this.#counts.set(called, count);
      const name = count === 1 && !this.numbered.includes(called) ? called : `${called}${count}`;
      if (this.taken.has(name)) continue;
      this.taken.add(name);
      return name;
    }
  }
}

/** A layer's name, without its settings. */
export function kindOf(layer: LayerConfig): string {
  return typeof layer === "string" ? layer : Object.keys(layer)[0]!;
}
