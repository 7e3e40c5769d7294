// Every pixel value comes out of the tfjs engine's normalisation with the bits that PyTorch gives it.
import { expect, it } from "vitest";
import { normalizeImages } from "../../src/runtime/engines/tfjs/normalize-images.js";
import { readFixture } from "../oracle/fixtures.js";

interface NormalizationRecord {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Of float32 values as 32-bit integers, [256 pixel values, 3 channels]. */
  readonly bits: readonly number[];
}

it("rounds each operation as PyTorch does, for all 256 pixel values", () => {
  const { mean, std, bits } = readFixture<NormalizationRecord>("normalization.json", "write_normalization.py");
  const images = Uint8Array.from({ length: 256 * 3 }, (_, at) => Math.floor(at / 3));
  const values = normalizeImages(images, { mean, std });
  expect([...new Int32Array(values.buffer)]).toEqual(bits);
});
