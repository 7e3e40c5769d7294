// Learning rates that the literature trains with, by optimizer: what lies outside is more likely a slip than a choice.
import type { LearningRateConfig, OptimizerConfig } from "../config.js";
import type { Path } from "../diagnostics/diagnostic.js";

type OptimizerName = "sgd" | "adam" | "adamw" | "muon";

interface UsualRates {
  readonly from: number;
  readonly to: number;
  /** To begin with. */
  readonly start: number;
  readonly source: string;
}

const usualRatesOfAdam: UsualRates = {
  from: 1e-5,
  to: 0.1,
  start: 0.001,
  source: "Kingma and Ba 2014 (arXiv 1412.6980), section 6.4",
};

/** The widest ranges, of whole networks. */
export const usualRates: Readonly<Record<OptimizerName, UsualRates>> = {
  sgd: {
    from: 1e-6,
    to: 3.2,
    start: 0.1,
    source: "Bengio 2012 (arXiv 1206.5533), section 3.3; Goyal et al. 2017 (arXiv 1706.02677), section 5",
  },
  adam: usualRatesOfAdam,
  adamw: usualRatesOfAdam,
  muon: { from: 1e-4, to: 1, start: 0.02, source: "Jordan et al. 2024 (github.com/KellerJordan/Muon)" },
};

export function optimizerName(optimizer: OptimizerConfig): OptimizerName {
  return Object.keys(optimizer)[0] as OptimizerName;
}

/** The highest rate of a schedule, and its place below the schedule's. Every schedule but one_cycle only falls from its rate. */
export function highestRate(schedule: LearningRateConfig): { readonly below: Path; readonly rate: number } {
  if ("one_cycle" in schedule) return { below: ["one_cycle", "peak"], rate: schedule.one_cycle.peak };
  const [name, { rate }] = Object.entries<{ readonly rate: number }>(schedule)[0]!;
  return { below: [name, "rate"], rate };
}

/** Undefined where the rate is usual. */
export function whyUnusual(optimizer: OptimizerConfig, rate: number): string | undefined {
  const name = optimizerName(optimizer);
  const { from, to, source } = usualRates[name];
  if (rate >= from && rate <= to) return undefined;
  return `the learning rate reaches ${rate}, but ${name} is used with ${from} to ${to} (${source})`;
}
