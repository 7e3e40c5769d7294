/**
 * A run in which TensorFlow 2.21 was seen to write past its memory (AVX-512): the filter gradient of a strided 1×1 convolution
 * with nine images on two threads.
 */
export function unevenRun(engine: string): string[] {
  const settings = ["data.dataset.synthetic.height=10", "data.dataset.synthetic.width=10", "train.batch_size=9"];
  const network = ["model.stages.1.channels=12", "train.epochs=2"];
  const set = [...settings, ...network].flatMap((setting) => ["--set", setting]);
  return ["run", "configs/smoke.yaml", "--engine", engine, "--threads", "2", ...set];
}
