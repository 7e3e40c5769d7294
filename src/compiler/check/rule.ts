// What the rules of `check` are: functions of the whole configuration, those about layers of the network's shapes too.
import type { ResolvedConfig } from "../config.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import type { ShapedGraph } from "../network/graph.js";

export type ConfigRule = (config: ResolvedConfig) => readonly Diagnostic[];

export type NetworkRule = (config: ResolvedConfig, graph: ShapedGraph) => readonly Diagnostic[];
