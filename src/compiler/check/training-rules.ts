// Rules within the train section: parts and intervals that do not work out, rates that no one trains with, and branches that never learn.
import type { LearningRateConfig, OptimizerConfig, ResolvedConfig } from "../config.js";
import type { Diagnostic, Path } from "../diagnostic.js";
import type { ConfigRule } from "./rule.js";

export const trainingRules: readonly ConfigRule[] = [
  partsAreEqual,
  evaluationsHaveOneInterval,
  rateIsUsual,
  branchesCanLearn,
];

function partsAreEqual({ train }: ResolvedConfig): readonly Diagnostic[] {
  const { batch_size: batch, accumulate: parts } = train;
  if (batch % parts === 0) return [];
  const fewer = Math.min(parts, batch);
  const nearest = Array.from({ length: fewer }, (_, index) => fewer - index).find((count) => batch % count === 0)!;
  return [
    {
      code: "train/uneven-parts",
      severity: "error",
      message: `accumulate works on a batch in ${parts} parts, but ${batch} images cannot be cut into ${parts} equal ones`,
      path: ["train", "accumulate"],
      hint: `write \`accumulate: ${nearest}\`, or \`batch_size: ${Math.ceil(batch / parts) * parts}\``,
      related: [{ message: "the batch is set here", path: ["train", "batch_size"] }],
    },
  ];
}

function evaluationsHaveOneInterval({ train }: ResolvedConfig): readonly Diagnostic[] {
  const { every_epochs: epochs, every_steps: steps } = train.evaluation;
  if (epochs === null || steps === null) return [];
  return [
    {
      code: "train/two-durations",
      severity: "error",
      message: "every_epochs and every_steps both say how long it is from one evaluation to the next",
      path: ["train", "evaluation", "every_steps"],
      hint: "keep one of them",
      related: [{ message: "it is given in epochs here", path: ["train", "evaluation", "every_epochs"] }],
    },
  ];
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
const usualRates: Readonly<Record<"sgd" | "adam" | "adamw" | "muon", UsualRates>> = {
  sgd: {
    from: 1e-6,
    to: 3.2,
    source: "Bengio 2012 (arXiv 1206.5533), section 3.3; Goyal et al. 2017 (arXiv 1706.02677), section 5",
  },
  adam: usualRatesOfAdam,
  adamw: usualRatesOfAdam,
  muon: { from: 1e-4, to: 1, source: "Jordan et al. 2024 (github.com/KellerJordan/Muon)" },
};

const usualStarts = { sgd: 0.1, adam: 0.001, adamw: 0.001, muon: 0.02 } as const;

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
      hint: `start from \`${usualStarts[name]}\``,
      related: [{ message: "the optimizer is set here", path: ["train", "optimizer"] }],
    },
  ];
}

function optimizerName(optimizer: OptimizerConfig): keyof typeof usualRates {
  return Object.keys(optimizer)[0] as keyof typeof usualRates;
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
