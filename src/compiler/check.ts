// Rules across fields, against the data and about the network as a whole, on a config whose form is already right.
// Each rule is a function by itself; the lists in check/ are the catalogue.
import { dataRules } from "./check/data-rules.js";
import { networkRules } from "./check/network-rules.js";
import type { ConfigRule } from "./check/rule.js";
import { settingRules } from "./check/setting-rules.js";
import { trainingRules } from "./check/training-rules.js";
import type { ResolvedConfig } from "./config.js";
import type { Diagnostic } from "./diagnostic.js";
import type { ShapedGraph } from "./graph.js";

const configRules: readonly ConfigRule[] = [...dataRules, ...trainingRules, ...settingRules];

export function check(config: ResolvedConfig): Diagnostic[] {
  return configRules.flatMap((rule) => rule(config));
}

/** What can be said only once every layer's shape is known. */
export function checkNetwork(config: ResolvedConfig, graph: ShapedGraph): Diagnostic[] {
  return networkRules.flatMap((rule) => rule(config, graph));
}
