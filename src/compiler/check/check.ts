// Rules across fields, against the data and about the network as a whole, on a config whose form is already right.
// Each rule is a function by itself; the lists in check/ are the catalogue.
import { augmentationRules } from "./augmentation-rules.js";
import { averageRules } from "./average-rules.js";
import { blockRules } from "./block-rules.js";
import { dataRules } from "./data-rules.js";
import { groupRules } from "./group-rules.js";
import { networkRules } from "./network-rules.js";
import type { ConfigRule } from "./rule.js";
import { scheduleRules } from "./schedule-rules.js";
import { settingRules } from "./setting-rules.js";
import { startNetworkRules, startRules } from "./start-rules.js";
import { trainingRules } from "./training-rules.js";
import type { ResolvedConfig } from "../config.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { hasErrors } from "../diagnostics/diagnostic.js";
import type { ShapedGraph } from "../network/graph.js";

const configRules: readonly ConfigRule[] = [
  ...dataRules,
  ...augmentationRules,
  ...scheduleRules,
  ...averageRules,
  ...trainingRules,
  ...startRules,
  ...settingRules,
];

export function check(config: ResolvedConfig): Diagnostic[] {
  return configRules.flatMap((rule) => rule(config));
}

/** What blocks say, before anything is built of them. */
export function checkBlocks(config: ResolvedConfig): Diagnostic[] {
  const found = blockRules.flatMap((rule) => rule(config));
  // A setting that nothing reads may be read by what is misspelt
  return hasErrors(found) ? found.filter(({ severity }) => severity === "error") : found;
}

/** What can be said only once every layer's shape is known. */
export function checkNetwork(config: ResolvedConfig, graph: ShapedGraph): Diagnostic[] {
  return [...networkRules, ...groupRules, ...startNetworkRules].flatMap((rule) => rule(config, graph));
}

/** More blocks than any network is built of; passes over so many layers would keep everyone waiting. */
export function checkSize({ model }: ResolvedConfig): Diagnostic[] {
  const blocks = model.stages.reduce((sum, stage) => sum + stage.blocks, 0);
  if (blocks <= MOST_BLOCKS) return [];
  const largest = model.stages.reduce(
    (most, stage, index) => (stage.blocks > model.stages[most]!.blocks ? index : most),
    0,
  );
  return [
    {
      code: "shape/too-many-blocks",
      severity: "error",
      message: `the stages have ${blocks.toLocaleString("en-US")} blocks in all, netc compiles up to ${MOST_BLOCKS.toLocaleString("en-US")}`,
      path: ["model", "stages", largest, "blocks"],
      hint: "check the number of blocks: the deepest residual network of its paper has 600 (He et al. 2015, section 4.2)",
    },
  ];
}

const MOST_BLOCKS = 1000;
