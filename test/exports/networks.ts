// Networks that between them have every shape a file can ask for: what each export is held to, logit by logit.

/** Files as text; each has a name of its own. */
export const networkTexts: readonly string[] = [
  // Plain: identity and projection blocks
  network("residual", {
    stages: "[{channels: 6, blocks: 3}, {channels: 16, blocks: 2, stride: 2, projection: true}]",
    augment: "[{random_crop: {padding: 2}}, horizontal_flip]",
    rate: "0.002",
  }),
  // The tutorial's: large kernel, bias, activation before the addition, projection with bias and without norm, average pooling
  network("tutorial", {
    size: 40,
    stem: "{channels: 8, kernel: 7, stride: 2, padding: 0, bias: true, norm: {batch: {eps: 1e-3}}, pool: {max: {kernel: 3, stride: 2, padding: 1}}}",
    stages:
      "[{channels: 8, blocks: 2, activation_before_add: true}, {channels: 12, blocks: 2, stride: 2, projection: {bias: true, norm: none}, activation_before_add: true}]",
    pooling: "{average: {kernel: 3}}",
    initialization: "{weights: xavier_uniform, bias: uniform_fan_in}",
    optimizer: "sgd",
    rate: "0.003",
  }),
  // A stage that begins with pooling; running average of the weights, mirror evaluation, label smoothing
  network("averaged", {
    stem: "{channels: 8, pool: {max: {kernel: 2, stride: 2}}}",
    stages:
      "[{channels: 16, blocks: 1, projection: true}, {channels: 24, blocks: 1, pool: {max: {kernel: 2, stride: 2}}, projection: true}]",
    train:
      "weight_average: {ema: {decay: 0.9}}\n  loss: {cross_entropy: {label_smoothing: 0.1}}\n  evaluation: {flip: true, batch_size: 20}",
    optimizer: "{sgd: {momentum: 0.9, nesterov: true, weight_decay: 5e-4, decay_norm_and_bias: false}}",
    rate: "{one_cycle: {start: 0.01, peak: 0.1, peak_at: 0.3, end: 0}}",
    augment: "[{random_crop: {padding: 2, mode: reflect}}, horizontal_flip, {cutout: {size: 5}}]",
  }),
  // A linear layer that flattens a map of several pixels and channels
  network("flattened", {
    size: 9,
    pooling: "{max: {kernel: 3, stride: 2, padding: 1}}",
    stages: "[{channels: 10, blocks: 1, projection: true}]",
    initialization: "{weights: xavier_uniform}",
    rate: "0.0003",
  }),
  // Average pooling with padding, counted in its divisor
  network("padded-average", {
    pooling: "{average: {kernel: 4, stride: 3, padding: 2}}",
    initialization: "{weights: xavier_uniform}",
    rate: "0.005",
  }),
  // No norm at all
  network("no-norm", {
    stem: "{channels: 6, norm: none, bias: true}",
    stages:
      "[{channels: 6, blocks: 2, norm: none}, {channels: 9, blocks: 1, stride: 2, norm: none, projection: {bias: true, norm: none}}]",
    optimizer: "{adam: {weight_decay: 1e-4}}",
    rate: "{cosine: {rate: 1e-3, end: 1e-5, warmup_epochs: 0.5}}",
    initialization: "{weights: xavier_normal, bias: uniform_fan_in}",
  }),
  // No activation, and max-pooling with padding over values below zero
  network("linear", {
    stem: "{channels: 6, activation: none, pool: {max: {kernel: 3, stride: 2, padding: 1}}}",
    stages: "[{channels: 6, blocks: 1, activation: none}]",
    initialization: "{weights: kaiming_uniform, zero_last_norm: true}",
  }),
  // One channel in, oblong images, one class more than the channels
  network("oblong", {
    dataset: "{synthetic: {train_images: 96, test_images: 40, height: 13, width: 22, channels: 1, classes: 9}}",
    optimizer: "{adamw: {weight_decay: 0.05, decay_norm_and_bias: false}}",
    rate: "{step: {rate: 1e-3, factor: 0.5, every_epochs: 1, warmup_epochs: 0.5}}",
  }),
  // Strides that do not divide the map, in blocks that differ in nothing else
  network("strides", {
    stem: "{channels: 8, kernel: 5, stride: 3, padding: 2}",
    size: 29,
    stages:
      "[{channels: 8, blocks: 1, projection: true}, {channels: 8, blocks: 1, stride: 2, projection: true}, {channels: 8, blocks: 1, stride: 3, projection: true}]",
  }),
  // Resized images, four channels in; another momentum of the norms
  network("resized", {
    dataset: "{synthetic: {train_images: 96, test_images: 40, height: 11, width: 9, channels: 4, classes: 3}}",
    resize: "{height: 16, width: 20}",
    stages: "[{channels: 7, blocks: 2, norm: {batch: {eps: 1e-4, momentum: 0.3}}, projection: true}]",
    rate: "{multi_step: {rate: 0.05, factor: 0.1, milestones: [1.5, 2], warmup_epochs: 0.3}}",
  }),
  // Deep: blocks that fold into a loop
  network("deep", {
    stages: "[{channels: 6, blocks: 6}, {channels: 8, blocks: 6, stride: 2, projection: true}]",
    initialization: "{weights: xavier_uniform, zero_last_norm: true}",
    rate: "0.005",
  }),
  // Shortcuts without weights (option A), a schedule in steps
  network("subsampled", {
    stages: "[{channels: 6, blocks: 1}, {channels: 12, blocks: 2, stride: 2, projection: subsample}]",
    rate: "{polynomial: {rate: 0.01, power: 2, warmup_steps: 4}}",
  }),
  // Groups of convolutions, GELU, norms without factors, a factor on the logits
  network("group", {
    stem: "{channels: 8, kernel: 2, padding: 0, activation: gelu}",
    stages:
      "[{channels: 10, blocks: 1, activation: gelu, norm: {batch: {eps: 1e-6, scale: false}}, block: {group: {convolutions: 3, pool: {max: {kernel: 2, stride: 2}}, shortcut: true}}}]",
    classifier: "{bias: false, scale: 0.25}",
    augment: "[alternating_flip, {translate: {pixels: 2, mode: reflect}}]",
    initialization: "{weights: uniform_fan_in}",
  }),
  // A name that means something elsewhere
  network("'None: \"{{x}}\" # é'", { classifier: "{bias: false}" }),
];

interface Parts {
  readonly size?: number;
  readonly dataset?: string;
  readonly resize?: string;
  readonly augment?: string;
  readonly stem?: string;
  readonly stages?: string;
  readonly pooling?: string;
  readonly classifier?: string;
  readonly optimizer?: string;
  readonly rate?: string;
  readonly initialization?: string;
  readonly train?: string;
}

function network(name: string, parts: Parts): string {
  const size = parts.size ?? 16;
  const dataset =
    parts.dataset ?? `{synthetic: {train_images: 96, test_images: 40, height: ${size}, width: ${size}, classes: 5}}`;
  return `name: ${name}
seed: 11
data:
  dataset: ${dataset}
${parts.resize ? `  resize: ${parts.resize}\n` : ""}  augment: ${parts.augment ?? "[]"}
model:
  stem: ${parts.stem ?? "{channels: 6}"}
  stages: ${parts.stages ?? "[{channels: 6, blocks: 1}]"}
  pooling: ${parts.pooling ?? "global_average"}
  classifier: ${parts.classifier ?? "{}"}
train:
  epochs: 20
  batch_size: 32
  optimizer: ${parts.optimizer ?? "{sgd: {momentum: 0.9}}"}
  learning_rate: ${parts.rate ?? "0.02"}
  initialization: ${parts.initialization ?? "{weights: kaiming_normal}"}
${parts.train ? `  ${parts.train}\n` : ""}`;
}
