import { describe, expect, it } from "vitest";
import { compileText } from "../../../src/compiler/compile.js";
import { stateFromImages } from "../../../src/runtime/training/initialize.js";
import { symmetricEigen } from "../../../src/runtime/training/symmetric-eigen.js";
import { whiteningFilters } from "../../../src/runtime/training/whitening.js";
import { draw, symmetric } from "../../oracle/counter-random.js";

const size = { height: 9, width: 8, channels: 3 };
const count = 40;
/** Neighbouring values depend on each other, as in images. */
const pixels = (() => {
  const noise = draw(1, 2, count * size.height * size.width * size.channels);
  let last = 128;
  return Uint8Array.from(noise, (bits) => (last = 0.7 * last + 0.3 * (bits >>> 24)));
})();
const normalize = { mean: [0.5, 0.4, 0.6], std: [0.2, 0.25, 0.3] };

describe("symmetricEigen", () => {
  it("finds vectors of length 1 that the matrix only stretches, the longest stretched first", () => {
    const n = 12;
    const half = symmetric(3, 4, n * n);
    const matrix = new Float64Array(n * n).map((_, at) => half[at]! + half[(at % n) * n + Math.floor(at / n)]!);
    const { values, vectors } = symmetricEigen(matrix, n);
    expect([...values]).toEqual([...values].sort((one, other) => other - one));
    for (let rank = 0; rank < n; rank++) {
      const vector = vectors.subarray(rank * n, rank * n + n);
      expect(Math.hypot(...vector)).toBeCloseTo(1, 12); // float64
      for (let row = 0; row < n; row++) {
        const product = vector.reduce((sum, value, column) => sum + matrix[row * n + column]! * value, 0);
        expect(product).toBeCloseTo(values[rank]! * vector[row]!, 10);
      }
    }
  });
});

describe("whiteningFilters", () => {
  it("yields outputs over the images' patches that are uncorrelated and of variance 1, and their negatives", () => {
    const kernel = 2;
    const filters = whiteningFilters({ count, images: pixels, ...size }, normalize, kernel, { eps: 0 });
    const values = kernel * kernel * size.channels;
    const sums = new Float64Array(values * values);
    let patches = 0;
    for (let image = 0; image < count; image++) {
      for (let y = 0; y + kernel <= size.height; y++) {
        for (let x = 0; x + kernel <= size.width; x++) {
          const outputs = new Float64Array(2 * values);
          for (let at = 0; at < values; at++) {
            const [row, column] = [Math.floor(at / (kernel * size.channels)), Math.floor(at / size.channels) % kernel];
            const channel = at % size.channels;
            const place = ((image * size.height + y + row) * size.width + x + column) * size.channels + channel;
            const value = (pixels[place]! / 255 - normalize.mean[channel]!) / normalize.std[channel]!;
            for (let out = 0; out < 2 * values; out++) outputs[out]! += value * filters[at * 2 * values + out]!;
          }
          for (let i = 0; i < values; i++) {
            expect(outputs[values + i]).toBe(-outputs[i]!);
            for (let j = 0; j < values; j++) sums[i * values + j]! += outputs[i]! * outputs[j]!;
          }
          patches++;
        }
      }
    }
    sums.forEach((sum, at) => expect(sum / patches).toBeCloseTo(at % (values + 1) === 0 ? 1 : 0, 3)); // float32 filters
  });

  it("sets the stem's filters and their average, and no other weight", () => {
    const text = `
name: demo
data: { dataset: { synthetic: { train_images: 40, height: 9, width: 8 } } }
model:
  stem: { channels: 24, kernel: 2, whitening: { images: 40 }, norm: none }
  stages: [{ channels: 24, blocks: 1 }]
train: { epochs: 1, batch_size: 8, learning_rate: 0.1, weight_average: ema }
`;
    const { config } = compileText(text, "file.yaml").value!;
    const state = stateFromImages(config, () => pixels);
    expect([...state.keys()]).toEqual(["stem.conv.weight", "stem.conv.weight.average"]);
    const image = { count, images: pixels, ...size };
    const filters = whiteningFilters(image, config.data.normalize, 2, { eps: 5e-4 });
    expect(state.get("stem.conv.weight")!.data).toEqual(filters);
  });
});
