// Training images → filters that whiten: the eigenvectors of the covariance of patches, each over its deviation, and their
// negatives (Jordan 2024, arXiv 2404.00498, section 3.1).
import type { WhiteningConfig } from "../../compiler/config.js";
import { symmetricEigen } from "./symmetric-eigen.js";

export interface WhiteningImages {
  readonly count: number;
  /** [count, height, width, channels], 8 bits */
  readonly images: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * Filters [kernel, kernel, channels, 2 × kernel² × channels]: strongest first, all positive ones before all negative ones.
 * Patches are those at every place of every image, normalised; as in the author's code no mean is taken off.
 */
export function whiteningFilters(
  images: WhiteningImages,
  normalize: { readonly mean: readonly number[]; readonly std: readonly number[] },
  kernel: number,
  { eps }: Pick<WhiteningConfig, "eps">,
): Float32Array {
  const size = kernel * kernel * images.channels;
  const { values, vectors } = symmetricEigen(patchCovariance(images, normalize, kernel), size);
  const filters = new Float32Array(size * 2 * size);
  for (let rank = 0; rank < size; rank++) {
    const deviation = Math.sqrt(values[rank]! + eps);
    for (let at = 0; at < size; at++) {
      const value = vectors[rank * size + at]! / deviation;
      filters[at * 2 * size + rank] = value;
      filters[at * 2 * size + size + rank] = -value;
    }
  }
  return filters;
}

/** Mean of patch · patchᵀ over all patches, a patch in the order of a filter: rows, columns, channels. */
function patchCovariance(
  { count, images, height, width, channels }: WhiteningImages,
  { mean, std }: { readonly mean: readonly number[]; readonly std: readonly number[] },
  kernel: number,
): Float64Array {
  const size = kernel * kernel * channels;
  const sums = new Float64Array(size * size);
  const patch = new Float64Array(size);
  for (let image = 0; image < count; image++) {
    for (let y = 0; y + kernel <= height; y++) {
      for (let x = 0; x + kernel <= width; x++) {
        let at = 0;
        for (let row = 0; row < kernel; row++) {
          const start = ((image * height + y + row) * width + x) * channels;
          for (let offset = 0; offset < kernel * channels; offset++, at++) {
            const channel = offset % channels;
            patch[at] = (images[start + offset]! / 255 - mean[channel]!) / std[channel]!;
          }
        }
        for (let i = 0; i < size; i++) {
          for (let j = 0; j <= i; j++) sums[i * size + j]! += patch[i]! * patch[j]!;
        }
      }
    }
  }
  const patches = count * (height - kernel + 1) * (width - kernel + 1);
  return sums.map((_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    return sums[Math.max(i, j) * size + Math.min(i, j)]! / patches;
  });
}
