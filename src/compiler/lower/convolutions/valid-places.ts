// Where the taps of a convolution's window lie on the map and not on its padding: what a product that leaves the padding
// out has to multiply.
import type { ConvolutionSizes } from "./convolution-plan.js";

/** Outputs from `first` up to `end` along one side whose tap lies on the map; none where they are equal. */
export interface Places {
  readonly first: number;
  readonly end: number;
}

export function rowsOfTap({ height, outHeight, stride, padding }: ConvolutionSizes, tap: number): Places {
  return placesOf(outHeight, stride[0], tap - padding.top, height);
}

export function columnsOfTap({ width, outWidth, stride, padding }: ConvolutionSizes, tap: number): Places {
  return placesOf(outWidth, stride[1], tap - padding.left, width);
}

/** As multiplyAddsOf (convolution-plan.ts), without those of the padding. */
export function multiplyAddsWithoutPadding(sizes: ConvolutionSizes): number {
  const { images, kernel, inLanes, outLanes } = sizes;
  const along = (taps: number, placesOfTap: (tap: number) => Places): number =>
    Array.from({ length: taps }, (_, tap) => placesOfTap(tap)).reduce((sum, { first, end }) => sum + end - first, 0);
  const rows = along(kernel[0], (tap) => rowsOfTap(sizes, tap));
  const columns = along(kernel[1], (tap) => columnsOfTap(sizes, tap));
  return images * rows * columns * inLanes * outLanes;
}

function placesOf(outputs: number, step: number, offset: number, size: number): Places {
  const first = Math.min(outputs, Math.max(0, Math.ceil(-offset / step)));
  const end = Math.min(outputs, Math.floor((size - 1 - offset) / step) + 1);
  return { first, end: Math.max(first, end) };
}
