// A generated data set for quick runs: each class has a colour and a wave of its own, every image shows its class's wave
// displaced at random under noise. Learnable within seconds, and a pure function of the seed.
import type { SyntheticDataset } from "../../compiler/config.js";
import { randomStream } from "../random/random-stream.js";
import type { RandomStream } from "../random/random-stream.js";
import type { Dataset, ImageSet } from "./dataset.js";

/** Classes take turns, so every class is as frequent as the next. Training and test images differ. */
export function generateSynthetic(config: SyntheticDataset, seed: number): Dataset {
  const { train_images: trainImages, test_images: testImages, height, width, channels, classes } = config;
  const stream = (epoch: number, index: number) => randomStream({ seed, purpose: "synthetic", epoch, index });
  // Epoch 0 of the purpose draws the patterns, epoch 1 the images, training images first.
  const patterns = Array.from({ length: classes }, (_, index) => drawPattern(config, stream(0, index)));
  const bytes = height * width * channels;
  const generate = (count: number, first: number): ImageSet => {
    const images = new Uint8Array(count * bytes);
    const labels = classes > 256 ? new Uint16Array(count) : new Uint8Array(count);
    for (let index = 0; index < count; index++) labels[index] = index % classes;
    for (let i = 0; i < count; i++) {
      drawImage(images.subarray(i * bytes, (i + 1) * bytes), patterns[labels[i]!]!, stream(1, first + i));
    }
    return { count, height, width, channels, images, labels };
  };
  return {
    classes: patterns.map((_, index) => `class ${index}`),
    train: generate(trainImages, 0),
    test: generate(testImages, trainImages),
  };
}

/**
 * A plane wave with a colour and phase a channel, as the cosine and sine of its angle at every value of an image
 * [height, width, channels]: displacing the wave is then one rotation.
 */
interface Pattern {
  readonly base: readonly number[];
  readonly cosine: Float64Array;
  readonly sine: Float64Array;
}

// In 8-bit steps. Together the variances 30² / 3 + 50² / 2 + 80² / 3 are about (0.25 · 255)².
const BASE_RANGE = 30;
const WAVE_AMPLITUDE = 50;
const NOISE_RANGE = 80;

function drawPattern({ height, width, channels }: SyntheticDataset, stream: RandomStream): Pattern {
  const cyclesDown = stream.integer(5) - 2;
  const cyclesAcross = 1 + stream.integer(3);
  const base = Array.from({ length: channels }, () => 127.5 + BASE_RANGE * (2 * stream.uniform() - 1));
  const phase = Array.from({ length: channels }, () => 2 * Math.PI * stream.uniform());
  const angle = Float64Array.from({ length: height * width * channels }, (_, at) => {
    const y = Math.floor(at / (width * channels));
    const x = Math.floor(at / channels) % width;
    return 2 * Math.PI * ((cyclesDown * y) / height + (cyclesAcross * x) / width) + phase[at % channels]!;
  });
  return { base, cosine: angle.map(Math.cos), sine: angle.map(Math.sin) };
}

/** The wave is displaced by up to a quarter of its length, the noise is uniform. */
function drawImage(image: Uint8Array, { base, cosine, sine }: Pattern, stream: RandomStream): void {
  const displacement = (Math.PI / 2) * stream.uniform();
  const along = WAVE_AMPLITUDE * Math.cos(displacement);
  const across = WAVE_AMPLITUDE * Math.sin(displacement);
  let word = 0;
  for (let i = 0; i < image.length; i++) {
    word = i % 4 === 0 ? stream.uint32() : word >>> 8; // one byte of noise a value
    const noise = NOISE_RANGE * ((word & 0xff) / 127.5 - 1);
    const value = base[i % base.length]! + along * cosine[i]! - across * sine[i]! + noise;
    image[i] = Math.min(255, Math.max(0, Math.round(value)));
  }
}
