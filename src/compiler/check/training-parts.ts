// What a run trains its parameters by: the training's own schedule and optimizer, and those of its groups, each with its place
// in the file and for how long it holds.
import type { GroupConfig, LearningRateConfig, OptimizerConfig, ResolvedConfig } from "../config.js";
import type { Path } from "../diagnostics/diagnostic.js";
import { stepsPerEpochOf } from "../training/plan.js";

/** How long a schedule has. */
export interface Span {
  readonly epochs: number;
  readonly steps: number;
  readonly of: "run" | "group";
  /** Where the file says so. */
  readonly path: Path;
}

export interface PlacedSchedule {
  readonly path: Path;
  readonly schedule: LearningRateConfig;
  readonly span: Span;
}

export interface PlacedOptimizer {
  readonly path: Path;
  readonly optimizer: OptimizerConfig;
}

/** The training's own, and those of groups that are trained at all. */
export function schedulesOf(config: ResolvedConfig): PlacedSchedule[] {
  const { train } = config;
  const own = train.groups.flatMap((group, index): PlacedSchedule[] => {
    const span = spanOf(config, index + 1);
    if (!group.learning_rate || span.steps === 0) return [];
    return [{ path: [...groupPath(index), "learning_rate"], schedule: group.learning_rate, span }];
  });
  return [{ path: ["train", "learning_rate"], schedule: train.learning_rate, span: spanOf(config, 0) }, ...own];
}

/** The training's own, and those that groups have instead. */
export function optimizersOf({ train }: ResolvedConfig): PlacedOptimizer[] {
  const own = train.groups.flatMap(({ optimizer }, index): PlacedOptimizer[] =>
    optimizer ? [{ path: [...groupPath(index), "optimizer"], optimizer }] : [],
  );
  return [{ path: ["train", "optimizer"], optimizer: train.optimizer }, ...own];
}

/** How long the parameters with that index of a rate are trained; 0 is the training's own. A group's end past the run's is the run's. */
export function spanOf(config: ResolvedConfig, rateIndex: number): Span {
  const { epochs } = config.train;
  const perEpoch = stepsPerEpochOf(config);
  const group: GroupConfig | undefined = config.train.groups[rateIndex - 1];
  const from = Math.min(group?.from_epoch ?? 0, epochs);
  if (!group || group.epochs === null || from + group.epochs >= epochs) {
    if (from === 0) return { epochs, steps: epochs * perEpoch, of: "run", path: ["train", "epochs"] };
    const path = [...groupPath(rateIndex - 1), "from_epoch"];
    return { epochs: epochs - from, steps: Math.round((epochs - from) * perEpoch), of: "group", path };
  }
  const path = [...groupPath(rateIndex - 1), "epochs"];
  return { epochs: group.epochs, steps: Math.round(group.epochs * perEpoch), of: "group", path };
}

/** Whose schedule it is, in words. */
export function nounOf({ of }: Span): string {
  return of === "run" ? "the run" : "the group";
}

/** Where a diagnostic that speaks of the length points to. */
export function spanIsSetHere(span: Span) {
  return { message: `${nounOf(span)}'s length is set here`, path: span.path };
}

export function groupPath(index: number): Path {
  return ["train", "groups", index];
}
