// What a layer of the language is, and what it finds where it stands: the types between the table of layers and the builder.
import type { ActivationConfig, Layers, NormConfig } from "../config.js";
import type { Option } from "../front/language/forms.js";
import type { Op, Shape } from "../network/graph.js";

/** A row of the table in layers.ts: how it is written, and what it becomes. */
export interface Layer extends Option {
  /** What its nodes are called: `conv`, with a number where there are several. */
  readonly called: string;
  /** A layer that slides over a map takes no vector, as a global pooling leaves one. */
  readonly takes: "map" | "any";
  /** Returns the node that yields the layer's output; its settings have been evaluated and are within their bounds. */
  readonly build: (site: Site, input: number, settings: never) => number;
}

/** The place in a network where a layer stands. */
export interface Site {
  /** What `norm` and `activation` are here. */
  readonly norm: NormConfig;
  readonly activation: ActivationConfig;
  /** What convolutions are given that do not say it. */
  readonly bias: boolean;
  /** Channels that a layer yields unless it says otherwise; undefined where nothing says how many. */
  readonly out: number | undefined;
  shapeOf(node: number): Shape;
  /** A node of the layer; one of several has a `part` as the end of its name. */
  add(op: Op, inputs: readonly number[], part?: string): number;
  /** Layers that the layer holds; with a `part`, under that name. */
  run(layers: Layers, input: number, at: readonly (string | number)[], part?: string): number;
  /** Says what is wrong, at one of the layer's settings, and goes on as if the layer were not there. */
  fault(message: string, hint: string | undefined, key?: string): never;
}
