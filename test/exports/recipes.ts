// Trainings that between them ask for every part of the language that the PyTorch project writes only where a file uses it.
// Rates are low: rounding drives two float32 trajectories apart the faster, the larger the steps are.

/** Files as text by what is new in each. `FOLDER` stands for a folder of pictures. */
export const recipes: Readonly<Record<string, string>> = {
  // The whole of cifar-94, small
  speedrun: recipe({
    name: "speedrun",
    augment: "[{translate: {pixels: 2, mode: reflect}}, alternating_flip]",
    stem: "{channels: 24, kernel: 2, padding: 0, bias: true, whitening: {images: 64, eps: 5e-4}, norm: none, activation: gelu}",
    stages:
      "[{channels: 8, blocks: 1, block: {group: {convolutions: 2, pool: {max: {kernel: 2}}}}, norm: {batch: {eps: 1e-12, momentum: 0.4, scale: false}}, activation: gelu}]",
    train: `
  optimizer: {sgd: {momentum: 0.85, nesterov: true, weight_decay: 1.3e-3}}
  groups: [{roles: [norm_shift], rate_factor: 8, weight_decay: 2e-5}, {layers: [stem], roles: [bias], epochs: 3}]
  learning_rate: {one_cycle: {start: 0.002, peak: 0.01, peak_at: 0.23, end: 0.001}}
  loss: {cross_entropy: {label_smoothing: 0.2}}
  initialization: {weights: uniform_fan_in, dirac: true}
  weight_average: {lookahead: {every_steps: 5, decay: 0.77, power: 3}}
  evaluation: {flip: true, translate: 1}`,
  }),
  muon: recipe({
    name: "muon",
    augment: "[{random_crop: {padding: 2}}]",
    stem: "{channels: 24, kernel: 2, padding: 0, bias: true, whitening: {images: 64, eps: 5e-4}, norm: none}",
    stages: "[{channels: 8, blocks: 1, projection: true}, {channels: 6, blocks: 1, stride: 2, projection: true}]",
    train: `
  optimizer: {muon: {momentum: 0.6, nesterov: true, iterations: 3, normalize_weights: true, weight_decay: 1e-3}}
  groups:
    - {roles: [norm_shift, norm_scale], optimizer: {sgd: {momentum: 0.85, nesterov: true, weight_decay: 4e-5}}, rate_factor: 0.5}
    - {layers: [stem], optimizer: {sgd: {momentum: 0}}, learning_rate: {linear: {rate: 0.01}}, epochs: 3}
    - {layers: [classifier], optimizer: adam, rate_factor: 0.2, weight_decay: 2e-3}
  learning_rate: {linear: {rate: 0.004}}
  initialization: {weights: uniform_fan_in, dirac: true}
  evaluation: {translate: 1}`,
  }),
  decoupled: recipe({
    name: "decoupled",
    train: `
  accumulate: 4
  gradient_clip: {norm: 0.5}
  optimizer: {sgd: {momentum: 0.9, weight_decay: 0.05, decoupled: true, decay_norm_and_bias: false}}
  learning_rate: {cosine: {rate: 0.01, end: 0}}
  initialization: {weights: kaiming_truncated, zero_last_norm: true}
  weight_average: {stochastic: {from_epoch: 4, every_steps: 2}}`,
  }),
  mixup: recipe({
    name: "mixup",
    augment: "[horizontal_flip, {mixup: {alpha: 0.3, probability: 0.7}}]",
    train: `
  optimizer: {adamw: {weight_decay: 0.05, decay_norm_and_bias: false}}
  groups: [{roles: [linear_weight], weight_decay: 0.01}]
  learning_rate: {constant: {rate: 3e-4}}
  loss: {cross_entropy: {label_smoothing: 0.1}}
  initialization: {weights: orthogonal}
  non_finite: {skip: {limit: 3}}`,
  }),
  cutmix: recipe({
    name: "cutmix",
    resize: "{height: 14, width: 18}",
    augment:
      "[{random_resized_crop: {scale: [0.3, 1], ratio: [0.6, 1.6]}}, horizontal_flip, {color_jitter: {brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1}}, {cutmix: {alpha: 1}}]",
    train: `
  accumulate: 2
  optimizer: {sgd: {momentum: 0.9, nesterov: true, weight_decay: 5e-4}}
  groups: [{layers: [classifier], optimizer: {sgd: {momentum: 0.5, decoupled: true, weight_decay: 0.1}}}]
  learning_rate: {constant: {rate: 0.003}}
  initialization: {weights: xavier_normal}`,
  }),
  folders: recipe({
    name: "folders",
    dataset: "{images: {folder: FOLDER, size: {height: 20, width: 16}, validation_share: 0.3, broken: skip}}",
    augment:
      "[{random_resized_crop: {scale: [0.5, 1], ratio: [0.75, 1.3]}}, {color_jitter: {brightness: 0.2, contrast: 0, saturation: 0, hue: 0.2}}]",
    batch: 8,
    train: `
  optimizer: adam
  learning_rate: {constant: {rate: 2e-4}}
  early_stop: {metric: test_loss, patience: 100}
  checkpoints: {every_epochs: 5, every_steps: 7, keep: 2, keep_best: 2, on_failure: stop}`,
  }),
};

interface Parts {
  readonly name: string;
  readonly dataset?: string;
  readonly resize?: string;
  readonly augment?: string;
  readonly stem?: string;
  readonly stages?: string;
  readonly batch?: number;
  readonly train: string;
}

function recipe({ name, dataset, resize, augment, stem, stages, batch, train }: Parts): string {
  return `name: ${name}
seed: 5
data:
  dataset: ${dataset ?? "{synthetic: {train_images: 100, test_images: 40, height: 16, width: 16, classes: 5}}"}
${resize ? `  resize: ${resize}\n` : ""}  augment: ${augment ?? "[]"}
model:
  stem: ${stem ?? "{channels: 6}"}
  stages: ${stages ?? "[{channels: 6, blocks: 1}, {channels: 8, blocks: 1, stride: 2, projection: true}]"}
  pooling: global_average
train:
  epochs: 20
  batch_size: ${batch ?? 32}${train}
`;
}
