// Settings that change nothing where they stand: each is accepted, with a warning that says why it is idle.
import type { ResolvedConfig } from "../config.js";
import { datasetFacts, trainingSplit } from "../datasets.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { mixOf } from "../training/mixed-labels.js";
import type { ConfigRule } from "./rule.js";
import { groupPath, optimizersOf, schedulesOf, spanIsSetHere, spanOf } from "./training-parts.js";
import { withoutEffect } from "./without-effect.js";

export const settingRules: readonly ConfigRule[] = [
  pathIsRead,
  resizeChangesTheSize,
  flipsSomeImages,
  mixesSomeImages,
  jitterChangesColors,
  poolsSeeMoreThanOnePixel,
  shortcutsBridgeADifference,
  activationBeforeAddHasAnActivation,
  nesterovHasMomentum,
  decayIsLimitedWhereThereIsSome,
  stairsChangeTheRate,
  groupsUseTheirSettings,
  groupsAreTrainedInTime,
  intervalsAreReached,
  lastBatchIsSmaller,
];

function groupsAreTrainedInTime({ train }: ResolvedConfig): readonly Diagnostic[] {
  return train.groups.flatMap(({ from_epoch: from }, index) => {
    if (from < train.epochs) return [];
    const message = `the group stays frozen to the end: training ends after ${train.epochs} epochs, and it is trained from ${from} on`;
    const related = { message: "the run's length is set here", path: ["train", "epochs"] };
    return [
      withoutEffect(message, [...groupPath(index), "from_epoch"], "write `epochs: 0` to freeze it for good", related),
    ];
  });
}

function pathIsRead({ data }: ResolvedConfig): readonly Diagnostic[] {
  if (data.path === null || typeof data.dataset === "string") return [];
  const others =
    "images" in data.dataset ? "the images are in a folder of their own" : "synthetic images are generated";
  const message = `path names a copy of a data set, but ${others}, so nothing is read from it`;
  const related = { message: "the data set is set here", path: ["data", "dataset"] };
  return [withoutEffect(message, ["data", "path"], "take `path` out", related)];
}

function resizeChangesTheSize({ data }: ResolvedConfig): readonly Diagnostic[] {
  const { height, width } = datasetFacts(data.dataset);
  if (data.resize?.height !== height || data.resize.width !== width) return [];
  const message = `resize asks for ${height}×${width}, which is the size that the images have already`;
  return [withoutEffect(message, ["data", "resize"], "take `resize` out")];
}

function flipsSomeImages({ data }: ResolvedConfig): readonly Diagnostic[] {
  return data.augment.flatMap((augmentation, index) => {
    if (augmentation === "alternating_flip" || !("horizontal_flip" in augmentation)) return [];
    if (augmentation.horizontal_flip.probability > 0) return [];
    const path = ["data", "augment", index, "horizontal_flip", "probability"];
    return [withoutEffect("probability is 0, so no image is ever mirrored", path, "write `probability: 0.5`")];
  });
}

function jitterChangesColors({ data }: ResolvedConfig): readonly Diagnostic[] {
  return data.augment.flatMap((augmentation, index) => {
    if (augmentation === "alternating_flip" || !("color_jitter" in augmentation)) return [];
    if (Object.values(augmentation.color_jitter).some((amount: number) => amount > 0)) return [];
    const message = "brightness, contrast, saturation and hue are all 0, so no colour changes";
    return [withoutEffect(message, ["data", "augment", index], "add `brightness: 0.4`")];
  });
}

function mixesSomeImages({ data, train }: ResolvedConfig): readonly Diagnostic[] {
  return data.augment.flatMap((augmentation, index) => {
    const settings = mixOf(augmentation);
    if (!settings) return [];
    const [name] = Object.keys(augmentation) as [string];
    const path = ["data", "augment", index];
    if (settings.probability === 0) {
      const message = "probability is 0, so no image is ever mixed";
      return [withoutEffect(message, [...path, name, "probability"], "write `probability: 0.5`")];
    }
    if (train.batch_size > 1) return [];
    const related = { message: "the batch size is set here", path: ["train", "batch_size"] };
    const message = `${name} mixes the images of a batch, but a batch has only one`;
    return [withoutEffect(message, path, "write `batch_size: 128`", related)];
  });
}

function poolsSeeMoreThanOnePixel({ model }: ResolvedConfig): readonly Diagnostic[] {
  const pools = [
    ...("pool" in model.stem ? [{ pool: model.stem.pool, path: ["model", "stem", "pool"] }] : []),
    ...model.stages.map(({ pool }, index) => ({ pool, path: ["model", "stages", index, "pool"] })),
  ];
  return pools.flatMap(({ pool, path }) => {
    if (!pool || pool.max.kernel > 1 || pool.max.stride > 1) return [];
    return [withoutEffect("a pool of 1×1 at stride 1 yields its input", path, "take it out, or write `kernel: 2`")];
  });
}

/** The shortcut without parameters is the identity where a stage keeps both channels and map. */
function shortcutsBridgeADifference({ model }: ResolvedConfig): readonly Diagnostic[] {
  return model.stages.flatMap(({ projection, channels, stride }, index) => {
    const before = model.stages[index - 1]?.channels ?? ("channels" in model.stem ? model.stem.channels : undefined);
    if (projection !== "subsample" || stride > 1 || channels !== before) return [];
    const message = `projection is subsample, but the stage keeps ${channels} channels and the map's size, so it is the identity`;
    const path = ["model", "stages", index, "projection"];
    return [withoutEffect(message, path, "take `projection` out, or write `stride: 2`")];
  });
}

function activationBeforeAddHasAnActivation({ model }: ResolvedConfig): readonly Diagnostic[] {
  return model.stages.flatMap(({ activation, activation_before_add: isBefore }, index) => {
    if (!isBefore || activation !== "none") return [];
    const stage = ["model", "stages", index];
    const message = "activation_before_add is true, but the stage has no activation, so it changes nothing";
    const related = { message: "the activation is set here", path: [...stage, "activation"] };
    return [withoutEffect(message, [...stage, "activation_before_add"], "write `activation: relu`", related)];
  });
}

function nesterovHasMomentum(config: ResolvedConfig): readonly Diagnostic[] {
  return optimizersOf(config).flatMap(({ path, optimizer }) => {
    if (!("sgd" in optimizer) || !optimizer.sgd.nesterov || optimizer.sgd.momentum > 0) return [];
    const message = "nesterov is true, but momentum is 0, so it changes nothing";
    return [withoutEffect(message, [...path, "sgd", "nesterov"], "add `momentum: 0.9`")];
  });
}

function decayIsLimitedWhereThereIsSome(config: ResolvedConfig): readonly Diagnostic[] {
  return optimizersOf(config).flatMap(({ path, optimizer }) => {
    const [[name, settings]] = Object.entries(optimizer) as [[string, DecayConfig]];
    if (settings.decay_norm_and_bias !== false || settings.weight_decay > 0) return [];
    const message = "decay_norm_and_bias is false, but weight_decay is 0, so nothing decays anyway";
    return [withoutEffect(message, [...path, name, "decay_norm_and_bias"], "add `weight_decay: 5e-4`")];
  });
}

interface DecayConfig {
  readonly weight_decay: number;
  readonly decay_norm_and_bias?: boolean;
}

function stairsChangeTheRate(config: ResolvedConfig): readonly Diagnostic[] {
  return schedulesOf(config).flatMap(({ path, schedule }) => {
    const name = "step" in schedule ? "step" : "multi_step";
    const factor =
      "step" in schedule ? schedule.step.factor : "multi_step" in schedule ? schedule.multi_step.factor : undefined;
    if (factor !== 1) return [];
    const message = "factor is 1, so the rate stays as it is at every drop";
    return [withoutEffect(message, [...path, name, "factor"], "write `factor: 0.1`")];
  });
}

/** A group is trained to the run's end at most, and one that is never trained needs neither rate nor optimizer. */
function groupsUseTheirSettings(config: ResolvedConfig): readonly Diagnostic[] {
  const { epochs: all, groups } = config.train;
  return groups.flatMap((group, index) => {
    const path = groupPath(index);
    const span = spanOf(config, index + 1);
    if (group.epochs !== null && group.epochs > all) {
      const message = `epochs is ${group.epochs}, but the run ends after ${all}: the group is trained to its end`;
      return [withoutEffect(message, [...path, "epochs"], "take `epochs` out", spanIsSetHere(span))];
    }
    if (span.steps > 0) return [];
    return (["optimizer", "learning_rate"] as const).flatMap((key) => {
      if (group[key] === null) return [];
      const message = `the group is never trained, so its ${key} changes nothing`;
      return [
        withoutEffect(message, [...path, key], `take \`${key}\` out, or write \`epochs: 1\``, spanIsSetHere(span)),
      ];
    });
  });
}

/** The end of the run is evaluated and saved in any case. */
function intervalsAreReached(config: ResolvedConfig): readonly Diagnostic[] {
  const { train } = config;
  const run = spanOf(config, 0);
  const { epochs, steps } = run;
  const intervals = [
    { section: "evaluation", key: "every_epochs", most: epochs, example: 1 },
    { section: "evaluation", key: "every_steps", most: steps, example: Math.ceil(steps / 10) },
    { section: "checkpoints", key: "every_epochs", most: epochs, example: 1 },
  ] as const;
  return intervals.flatMap(({ section, key, most, example }) => {
    const every = train[section][key];
    if (every === null || every <= most) return [];
    const what = section === "evaluation" ? "the network is measured" : "the state is saved";
    const message = `${key} is ${every}, but the run ends after ${most}: ${what} at its end only`;
    return [withoutEffect(message, ["train", section, key], `write \`${key}: ${example}\``, spanIsSetHere(run))];
  });
}

function lastBatchIsSmaller({ data, train }: ResolvedConfig): readonly Diagnostic[] {
  const { trainImages } = trainingSplit(data);
  if (!train.drop_last || trainImages % train.batch_size !== 0) return [];
  const message = `drop_last is true, but batches of ${train.batch_size} divide the ${trainImages} training images evenly`;
  const related = { message: "the batch size is set here", path: ["train", "batch_size"] };
  return [withoutEffect(message, ["train", "drop_last"], "take `drop_last` out", related)];
}
