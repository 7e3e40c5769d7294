// Convolutions in float64, one multiply-add after the other: what emitted kernels are held to.

export interface Convolution {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly depth: number;
  readonly columns: number;
  readonly size: number;
  readonly stride: number;
  readonly padding: number;
  /** Without it 1. */
  readonly dilation?: number;
  readonly groups?: number;
}

export function outputSides(sizes: Convolution): [height: number, width: number] {
  const { height, width, size, stride, padding, dilation = 1 } = sizes;
  const side = (length: number): number => Math.floor((length + 2 * padding - (size - 1) * dilation - 1) / stride) + 1;
  return [side(height), side(width)];
}

/** Calls `visit` for each pixel of the output, tap, and the pixel of the input that they meet in, by their places. */
function everyMeeting(sizes: Convolution, visit: (output: number, tap: number, input: number) => void): void {
  const { images, height, width, size, stride, padding, dilation = 1 } = sizes;
  const [outHeight, outWidth] = outputSides(sizes);
  for (let image = 0; image < images; image++) {
    for (let y = 0; y < outHeight; y++) {
      for (let x = 0; x < outWidth; x++) {
        for (let tap = 0; tap < size * size; tap++) {
          const iy = y * stride + Math.floor(tap / size) * dilation - padding;
          const ix = x * stride + (tap % size) * dilation - padding;
          if (iy < 0 || ix < 0 || iy >= height || ix >= width) continue;
          visit((image * outHeight + y) * outWidth + x, tap, (image * height + iy) * width + ix);
        }
      }
    }
  }
}

/** Calls `visit` for each product, by the places of its factors in the output, the filter [tap][depth of a group][columns] and the input. */
function everyProduct(sizes: Convolution, visit: (output: number, weight: number, input: number) => void): void {
  const { depth, columns, groups = 1 } = sizes;
  const [inputs, outputs] = [depth / groups, columns / groups];
  everyMeeting(sizes, (to, tap, from) => {
    for (let k = 0; k < inputs; k++) {
      for (let n = 0; n < columns; n++) {
        visit(to * columns + n, (tap * inputs + k) * columns + n, from * depth + Math.floor(n / outputs) * inputs + k);
      }
    }
  });
}

/** Input [pixel][depth], filter [tap][depth of a group][columns] → output [pixel][columns]. */
export function convolve(sizes: Convolution, input: Float32Array, filter: Float32Array): Float64Array {
  const [outHeight, outWidth] = outputSides(sizes);
  const output = new Float64Array(sizes.images * outHeight * outWidth * sizes.columns);
  everyProduct(sizes, (to, weight, from) => (output[to]! += input[from]! * filter[weight]!));
  return output;
}

export function inputGradient(sizes: Convolution, gradient: Float32Array, filter: Float32Array): Float64Array {
  const { images, height, width, depth } = sizes;
  const result = new Float64Array(images * height * width * depth);
  everyProduct(sizes, (from, weight, to) => (result[to]! += gradient[from]! * filter[weight]!));
  return result;
}

export function filterGradient(sizes: Convolution, input: Float32Array, gradient: Float32Array): Float64Array {
  const { depth, columns, size, groups = 1 } = sizes;
  const result = new Float64Array((size * size * depth * columns) / groups);
  everyProduct(sizes, (from, weight, place) => (result[weight]! += input[place]! * gradient[from]!));
  return result;
}

/** Of a filter in groups [tap][output of a group][depth], as the gradient by the input takes it. */
export function transposed({ depth, columns, size, groups = 1 }: Convolution, filter: Float32Array): Float32Array {
  const [inputs, outputs] = [depth / groups, columns / groups];
  return Float32Array.from({ length: size * size * outputs * depth }, (_, at) => {
    const [channel, row] = [at % depth, Math.floor(at / depth)];
    const column = Math.floor(channel / inputs) * outputs + (row % outputs);
    return filter[(Math.floor(row / outputs) * inputs + (channel % inputs)) * columns + column]!;
  });
}

/** The largest difference; infinite where something is no number. */
export function farthest(found: Float32Array, wanted: Float64Array): number {
  let most = found.length === wanted.length ? 0 : Infinity;
  found.forEach((value, i) => {
    const distance = Math.abs(value - wanted[i]!);
    most = Number.isNaN(distance) ? Infinity : Math.max(most, distance);
  });
  return most;
}

/** The root of the mean square of the differences. */
export function typical(found: Float32Array, wanted: Float64Array): number {
  const squares = found.reduce((sum, value, i) => sum + (value - wanted[i]!) ** 2, 0);
  return Math.sqrt(squares / found.length);
}

/** The nearest number that bfloat16 has, of two the even one. */
export function rounded(value: number): number {
  const [bits] = new Uint32Array(Float32Array.of(value).buffer) as unknown as [number];
  return asFloat((bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000);
}

/** Numbers that bfloat16 has, as it stores them, in the memory of half as many floats. */
export function halved(values: Float32Array): Float32Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return new Float32Array(Uint16Array.from(bits, (word) => word >>> 16).buffer);
}

export function unhalved(stored: Float32Array): Float32Array {
  const halves = new Uint16Array(stored.buffer, stored.byteOffset, stored.length * 2);
  return Float32Array.from(halves, (half) => asFloat(half << 16));
}

function asFloat(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}
