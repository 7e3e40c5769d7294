// Rules within the train section: schedules that outlast the run, and rates that no one trains with.
import type { LearningRateConfig, OptimizerConfig, ResolvedConfig } from "../config.js";
import type { Diagnostic, Path } from "../diagnostic.js";
import type { ConfigRule } from "./rule.js";

export const trainingRules: readonly ConfigRule[] = [
  scheduleFitsTheRun,
  milestonesRise,
  ratesPeakAtThePeak,
  rateIsUsual,
  branchesCanLearn,
];

function scheduleFitsTheRun({ train }: ResolvedConfig): readonly Diagnostic[] {
  const { epochs, learning_rate: rate } = train;
  const diagnostics: Diagnostic[] = [];
  const warmup = warmupEpochs(rate);
  if (warmup >= epochs) {
    diagnostics.push({
      code: "train/warmup-past-end",
      severity: "error",
      message: `the warm-up takes ${warmup} epochs, ${warmup === epochs ? "all that the run has" : `the run has ${epochs}`}`,
      path: ["train", "learning_rate", Object.keys(rate)[0]!, "warmup_epochs"],
      hint: `write \`warmup_epochs: ${epochs < 10 ? epochs / 10 : Math.floor(epochs / 10)}\``,
      related: [{ message: "the run's length is set here", path: ["train", "epochs"] }],
    });
  }
  if ("step" in rate && rate.step.every_epochs >= epochs) {
    diagnostics.push({
      code: "train/milestone-past-end",
      severity: "warning",
      message: `the rate would first drop after epoch ${rate.step.every_epochs}, but the run ends after ${epochs}`,
      path: ["train", "learning_rate", "step", "every_epochs"],
      hint: `write \`every_epochs: ${Math.max(1, Math.floor(epochs / 3))}\`, or \`learning_rate: ${rate.step.rate}\``,
      related: [{ message: "the run's length is set here", path: ["train", "epochs"] }],
    });
  }
  if ("multi_step" in rate) {
    rate.multi_step.milestones.forEach((milestone, index) => {
      if (milestone < epochs) return;
      diagnostics.push({
        code: "train/milestone-past-end",
        severity: "warning",
        message: `the rate would change after epoch ${milestone}, but the run ends after ${epochs}`,
        path: ["train", "learning_rate", "multi_step", "milestones", index],
        related: [{ message: "the run's length is set here", path: ["train", "epochs"] }],
      });
    });
  }
  return diagnostics;
}

function milestonesRise({ train }: ResolvedConfig): readonly Diagnostic[] {
  const { learning_rate: schedule } = train;
  if (!("multi_step" in schedule)) return [];
  const { milestones } = schedule.multi_step;
  const path = ["train", "learning_rate", "multi_step", "milestones"];
  const index = milestones.findIndex((milestone, at) => at > 0 && milestone <= milestones[at - 1]!);
  if (index === -1) return [];
  const rising = [...new Set(milestones)].sort((one, other) => one - other);
  return [
    {
      code: "train/milestone-order",
      severity: "error",
      message: `milestones must rise, but ${milestones[index]} comes after ${milestones[index - 1]}`,
      path: [...path, index],
      hint: `write \`milestones: [${rising.join(", ")}]\``,
    },
  ];
}

/** What the names of the schedules promise: a cosine falls, and one_cycle is highest at its peak. */
function ratesPeakAtThePeak({ train }: ResolvedConfig): readonly Diagnostic[] {
  const { learning_rate: schedule } = train;
  const path = ["train", "learning_rate"];
  const above = (inner: Path, name: string, rate: number, top: string, most: number): readonly Diagnostic[] => {
    if (rate <= most) return [];
    return [
      {
        code: "train/rate-order",
        severity: "warning",
        message: `${name} is ${rate}, above the ${top} of ${most} that the schedule should be highest at`,
        path: [...path, ...inner, name],
        hint: `write \`${name}: ${most / 10}\``,
        related: [{ message: `the ${top} is set here`, path: [...path, ...inner, top] }],
      },
    ];
  };
  if ("cosine" in schedule) return above(["cosine"], "end", schedule.cosine.end, "rate", schedule.cosine.rate);
  if (!("one_cycle" in schedule)) return [];
  const { start, peak, end } = schedule.one_cycle;
  return [...above(["one_cycle"], "start", start, "peak", peak), ...above(["one_cycle"], "end", end, "peak", peak)];
}

function warmupEpochs(rate: LearningRateConfig): number {
  const [schedule] = Object.values(rate) as { warmup_epochs?: number }[];
  return schedule?.warmup_epochs ?? 0;
}

interface UsualRates {
  readonly from: number;
  readonly to: number;
  readonly source: string;
}

const usualRatesOfAdam: UsualRates = {
  from: 1e-5,
  to: 0.1,
  source: "Kingma and Ba 2014 (arXiv 1412.6980), section 6.4",
};

/** The widest ranges that the literature trains with: what lies outside is more likely a slip than a choice. */
const usualRates: Readonly<Record<"sgd" | "adam" | "adamw", UsualRates>> = {
  sgd: {
    from: 1e-6,
    to: 3.2,
    source: "Bengio 2012 (arXiv 1206.5533), section 3.3; Goyal et al. 2017 (arXiv 1706.02677), section 5",
  },
  adam: usualRatesOfAdam,
  adamw: usualRatesOfAdam,
};

function rateIsUsual({ train }: ResolvedConfig): readonly Diagnostic[] {
  const name = optimizerName(train.optimizer);
  const { from, to, source } = usualRates[name];
  const { path, rate } = highestRate(train.learning_rate);
  if (rate >= from && rate <= to) return [];
  return [
    {
      code: "train/unusual-learning-rate",
      severity: "warning",
      message: `the learning rate reaches ${rate}, but ${name} is used with ${from} to ${to} (${source})`,
      path,
      hint: `start from \`${name === "sgd" ? 0.1 : 0.001}\``,
      related: [{ message: "the optimizer is set here", path: ["train", "optimizer"] }],
    },
  ];
}

function optimizerName(optimizer: OptimizerConfig): "sgd" | "adam" | "adamw" {
  return "sgd" in optimizer ? "sgd" : "adam" in optimizer ? "adam" : "adamw";
}

/** Every schedule but one_cycle only falls from its rate. */
function highestRate(schedule: LearningRateConfig): { readonly path: Path; readonly rate: number } {
  const path = ["train", "learning_rate"];
  if ("one_cycle" in schedule) return { path: [...path, "one_cycle", "peak"], rate: schedule.one_cycle.peak };
  const [name, { rate }] = Object.entries<{ readonly rate: number }>(schedule)[0]!;
  return { path: [...path, name, "rate"], rate };
}

/**
 * With its last norm's scale and shift at 0 a branch yields 0 everywhere. An activation behind it has slope 0 there (as
 * in PyTorch, relu'(0) = 0), so no gradient ever reaches the branch.
 */
function branchesCanLearn({ model, train }: ResolvedConfig): readonly Diagnostic[] {
  if (!train.initialization.zero_last_norm) return [];
  const stage = model.stages.findIndex(
    ({ norm, activation, activation_before_add: isBefore }) => norm !== "none" && activation !== "none" && isBefore,
  );
  if (stage === -1) return [];
  return [
    {
      code: "train/branch-never-learns",
      severity: "error",
      message:
        "zero_last_norm starts each residual branch at 0, and an activation before the addition lets no gradient " +
        "through there, so the branch would never learn",
      path: ["train", "initialization", "zero_last_norm"],
      hint: "write `zero_last_norm: false`, or take `activation_before_add` out of the stages",
      related: [
        { message: "the activation is asked for here", path: ["model", "stages", stage, "activation_before_add"] },
      ],
    },
  ];
}
