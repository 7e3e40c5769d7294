// Program → what initialization.py.hbs prints: how the file's first weights are drawn, and from what.
import { whiteningStem } from "../../../compiler/network/whitening-stem.js";
import type { InitializationConfig } from "../../../compiler/config.js";
import type { Program } from "../../../compiler/program.js";
import type { ModelView } from "./model-view.js";

export interface InitializationView {
  readonly imports: readonly string[];
  /** Expressions of `drawn`. */
  readonly weights: string;
  readonly bias: string;
  readonly usesFanIn: boolean;
  readonly usesFanOut: boolean;
  /** Which of the functions below are needed. */
  readonly uniform: boolean;
  readonly truncated: boolean;
  readonly orthogonal: boolean;
  readonly normals: boolean;
  readonly dirac: boolean;
  readonly whitens: boolean;
  readonly lastNorms: ModelView["lastNorms"];
}

const WEIGHTS: Readonly<Record<InitializationConfig["weights"], string>> = {
  kaiming_normal: 'math.sqrt(2 / fan_in) * normals(seed, "initialization", 0, index, count)',
  kaiming_uniform: "uniform(math.sqrt(6 / fan_in), seed, index, count)",
  kaiming_truncated: "truncated(math.sqrt(2 / fan_in), seed, index, count)",
  orthogonal: "orthogonal(len(module.weight), seed, index, count)",
  uniform_fan_in: "uniform(1 / math.sqrt(fan_in), seed, index, count)",
  xavier_normal: 'math.sqrt(2 / (fan_in + fan_out)) * normals(seed, "initialization", 0, index, count)',
  xavier_uniform: "uniform(math.sqrt(6 / (fan_in + fan_out)), seed, index, count)",
};

export function initializationView({ config }: Program, { lastNorms }: ModelView): InitializationView {
  const { weights: rule, bias: biasRule, zero_last_norm: zeroLastNorm, dirac } = config.train.initialization;
  const [weights, whitens] = [WEIGHTS[rule], whiteningStem(config.model) !== undefined];
  const bias = biasRule === "zero" ? "np.zeros(count)" : "uniform(1 / math.sqrt(fan_in), seed, index, count)";
  const zeroed = zeroLastNorm ? lastNorms : [];
  const uniform = [weights, bias].some((drawn) => drawn.startsWith("uniform("));
  const [truncated, orthogonal] = [rule === "kaiming_truncated", rule === "orthogonal"];
  const normals = weights.includes("normals(") || truncated || orthogonal;
  const usesFanIn = `${weights} ${bias}`.includes("fan_in");
  const arrays = uniform || truncated || orthogonal;
  const drawn = [...(normals ? ["normals"] : []), ...(uniform ? ["uniforms"] : [])].join(", ");
  const blocks = [...new Set(zeroed.map(({ block }) => block))].toSorted().join(", ");
  return {
    imports: [
      ...(usesFanIn || dirac || whitens ? ["import math"] : []),
      "from typing import Any",
      "",
      "import numpy as np",
      "import torch",
      ...(arrays ? ["from numpy.typing import NDArray"] : []),
      `from torch import ${whitens ? "Tensor, nn" : "nn"}`,
      "",
      "from checkpoint import Layouts",
      ...(whitens ? ["from data import Images"] : []),
      ...(zeroed.length > 0 ? [`from model import ${blocks}`] : []),
      `from randomness import ${drawn}`,
    ],
    weights,
    bias,
    usesFanIn,
    usesFanOut: weights.includes("fan_out"),
    uniform,
    truncated,
    orthogonal,
    normals,
    dirac,
    whitens,
    lastNorms: zeroed,
  };
}
