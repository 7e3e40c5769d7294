// The network of test/oracle/write_weights.py, as netc describes it.

export function residualFile({ classes = 5, train = "" } = {}): string {
  return `
name: two-blocks
data:
  dataset: {synthetic: {train_images: 16, test_images: 8, height: 12, width: 12, classes: ${classes}}}
  normalize: {mean: 0.5, std: 0.25}
model:
  stem: {channels: 4}
  stages:
    - {channels: 4, blocks: 1}
    - {channels: 6, blocks: 1, stride: 2, projection: true}
train:
  epochs: 1
  batch_size: 8
  learning_rate: 0.01
${train}`;
}
