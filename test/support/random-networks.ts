// Random files, for tests that hold whatever a file says: each a pure function of its number.
import { compileText } from "../../src/compiler/compile.js";
import { hasErrors } from "../../src/compiler/diagnostics/diagnostic.js";
import type { Node } from "../../src/compiler/network/graph.js";
import { filterOf } from "../../src/compiler/network/graph.js";
import { inferShapes } from "../../src/compiler/network/infer-shapes.js";
import type { Program } from "../../src/compiler/program.js";

/** The first `count` valid programs of the numbers from `seed` on, each with its number. */
export function randomPrograms(seed: number, count: number): { readonly number: number; readonly program: Program }[] {
  const found: { number: number; program: Program }[] = [];
  for (let number = seed; found.length < count; number++) {
    const { value, diagnostics } = compileText(JSON.stringify(randomFile(number)), `random ${number}`);
    if (value && !hasErrors(diagnostics)) found.push({ number, program: value });
  }
  return found;
}

/** Numbers from 0 to 1. Source: mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What files cannot ask for: some convolutions in groups, some dilated, over maps of the same sizes. */
export function withRandomFilters(program: Program, number: number): Program {
  const random = randomNumbers(number + 0.5e9);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
  const { nodes } = program.graph;
  const changed = nodes.map((node): Node => {
    const { op } = node;
    if (op.kind !== "conv2d" || random() < 0.5) return node;
    const { channels } = nodes[node.inputs[0]!]!.shape;
    const divisors = Array.from({ length: channels }, (_, index) => index + 1);
    const groups = pick(divisors.filter((count) => channels % count === 0 && op.channels % count === 0));
    const dilation = [pick([1, 1, 2]), pick([1, 1, 2, 3])] as const;
    const [rows, columns] = dilation.map((step, axis) => (op.kernel[axis]! - 1) * (step - 1)) as [number, number];
    const { top, bottom, left, right } = op.padding;
    const padding = {
      top: top + Math.floor(rows / 2),
      bottom: bottom + Math.ceil(rows / 2),
      left: left + Math.floor(columns / 2),
      right: right + Math.ceil(columns / 2),
    };
    return { ...node, op: { ...op, ...filterOf({ ...op, padding, groups, dilation }) } };
  });
  return { ...program, graph: inferShapes({ nodes: changed }).value! };
}

type Value = string | number | boolean | null | undefined | readonly Value[] | { readonly [key: string]: Value };

interface Draw {
  readonly pick: <T>(...choices: readonly T[]) => T;
  readonly chance: (probability: number) => boolean;
}

function randomFile(number: number): Value {
  const random = randomNumbers(number);
  const draw: Draw = {
    pick: (...choices) => choices[Math.floor(random() * choices.length)]!,
    chance: (probability) => random() < probability,
  };
  // Norms over few values are signs of differences, which rounding turns: no part has fewer than four images
  const accumulate = draw.pick(1, 1, 2, 3);
  const batch = accumulate * draw.pick(4, 5, 6);
  return {
    name: "random",
    seed: number,
    data: dataOf(draw, batch),
    model: modelOf(draw),
    train: { ...trainOf(draw), batch_size: batch, accumulate },
  };
}

function dataOf({ pick, chance }: Draw, batch: number): Value {
  const size = {
    height: pick(8, 9, 12, 16),
    width: pick(8, 7, 12, 16),
    channels: pick(1, 3, 3, 4),
    classes: pick(2, 5, 10),
  };
  const images = pick(3 * batch, 3 * batch + Math.ceil(batch / 2), 2 * batch + 4);
  return {
    dataset: { synthetic: { train_images: images, test_images: 9, ...size } },
    augment: [
      ...(chance(0.5) ? ["horizontal_flip"] : []),
      ...(chance(0.5) ? [{ random_crop: { padding: 2, mode: pick("zero", "reflect") } }] : []),
      ...(chance(0.3) ? [pick<Value>({ mixup: { alpha: 0.5 } }, { cutmix: { alpha: 1, probability: 0.7 } })] : []),
    ],
  };
}

function modelOf(draw: Draw): Value {
  const { pick, chance } = draw;
  const channels = pick(4, 8, 16, 17, 24);
  const stem = {
    channels,
    kernel: pick(1, 3, 3, 3, 5, 7),
    stride: pick(1, 1, 2),
    bias: pick(true, false),
    norm: normOf(draw),
    activation: activationOf(draw),
    ...(chance(0.3) && { pool: { max: { kernel: pick(2, 3), stride: pick(1, 2) } } }),
  };
  const stages: Value[] = [];
  let before = channels;
  for (let index = pick(1, 1, 2); index > 0; index--) {
    const after = chance(0.5) ? before : pick(4, 8, 12, 16, 32);
    stages.push(chance(0.3) ? groupOf(draw, after) : stageOf(draw, before, after));
    before = after;
  }
  return { stem, stages, classifier: { bias: chance(0.7), scale: pick(1, 1, 0.5) } };
}

const activationOf = ({ pick }: Draw): Value => pick("relu", "relu", "gelu", "none");

const normOf = ({ pick }: Draw): Value =>
  pick<Value>("batch", "batch", "none", { batch: { momentum: pick(0.1, 1), eps: 1e-3, scale: pick(true, false) } });

function groupOf(draw: Draw, channels: number): Value {
  const { pick, chance } = draw;
  const convolutions = pick(1, 2, 2, 3);
  const group = {
    convolutions,
    shortcut: convolutions > 1 && chance(0.5),
    ...(chance(0.5) && { pool: { max: { kernel: 2 } } }),
  };
  return { channels, blocks: pick(1, 2), activation: activationOf(draw), norm: normOf(draw), block: { group } };
}

function stageOf(draw: Draw, before: number, channels: number): Value {
  const { pick, chance } = draw;
  const stride = pick(1, 1, 2);
  const projection = channels >= before && chance(0.3) ? "subsample" : pick<Value>(true, { bias: true, norm: "none" });
  return {
    channels,
    blocks: pick(1, 1, 2),
    activation: activationOf(draw),
    norm: normOf(draw),
    stride,
    activation_before_add: chance(0.3),
    ...(chance(0.25) && { pool: { max: { kernel: 2 } } }),
    ...((channels !== before || stride !== 1) && { projection }),
  };
}

function trainOf(draw: Draw): Record<string, Value> {
  const { pick, chance } = draw;
  return {
    epochs: 3,
    recompute: chance(0.3),
    drop_last: chance(0.5),
    optimizer: optimizerOf(draw),
    groups: chance(0.6) ? Array.from({ length: pick(1, 2) }, () => parametersOf(draw)) : [],
    gradient_clip: chance(0.4) ? { norm: pick(0.1, 1, 5) } : null,
    learning_rate: pick<Value>(0.05, { cosine: { rate: 0.05, warmup_epochs: 1 } }, { one_cycle: { peak: 0.1 } }),
    loss: { cross_entropy: { label_smoothing: pick(0, 0.1) } },
    weight_average: pick<Value>(
      null,
      { ema: { decay: pick(0.5, 0.99) } },
      { lookahead: { every_steps: pick(1, 2, 3), decay: 0.7, power: pick(1, 3) } },
      { stochastic: { from_epoch: pick(0, 1), every_steps: pick(1, 2) } },
    ),
    // Not Dirac's identities: they bring zeros before ReLUs, which are on or off there as a kernel rounds
    initialization: pick<Value>({}, { zero_last_norm: true }, { weights: "orthogonal" }),
    evaluation: { batch_size: pick(3, 7, 100), flip: chance(0.3), ...(chance(0.4) && { every_steps: pick(1, 2, 3) }) },
    early_stop: chance(0.2) ? { patience: pick(1, 2) } : null,
    non_finite: pick<Value>("stop", { skip: { limit: 3 } }),
    checkpoints: { keep: pick(1, 2), keep_best: pick(0, 1), ...(chance(0.5) && { every_steps: pick(1, 2, 3) }) },
  };
}

function optimizerOf({ pick, chance }: Draw): Value {
  const momentum = pick(0, 0.9);
  return pick<Value>(
    { sgd: { momentum, nesterov: momentum > 0 && chance(0.5), weight_decay: pick(0, 0.01), decoupled: chance(0.5) } },
    { adam: { weight_decay: pick(0, 0.01), eps: 1e-4 } },
    { adamw: { weight_decay: pick(0, 0.1), eps: 1e-4, decay_norm_and_bias: chance(0.5) } },
  );
}

function parametersOf(draw: Draw): Value {
  const { pick, chance } = draw;
  const isMuon = chance(0.2);
  const which = pick<Record<string, Value>>(
    { layers: ["stem"] },
    { layers: ["classifier"] },
    { layers: ["stages.0"] },
    { roles: ["norm_shift", "bias"] },
    { roles: ["norm_scale"] },
  );
  return {
    ...(isMuon ? { roles: ["conv_weight"], optimizer: { muon: { normalize_weights: chance(0.5) } } } : which),
    rate_factor: pick(0.1, 1, 3),
    ...(!isMuon && chance(0.3) && { optimizer: optimizerOf(draw) }),
    ...(chance(0.5) && { epochs: pick(0, 0.5, 1, 1.5, 2) }),
    ...(chance(0.3) && { learning_rate: pick<Value>(0.01, { cosine: { rate: 0.05 } }) }),
    ...(chance(0.3) && { weight_decay: pick(0, 0.02) }),
  };
}
