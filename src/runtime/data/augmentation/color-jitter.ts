// Colour jitter on 8-bit images: brightness, contrast, saturation and hue, each by a random amount and in a random order.
// The arithmetic is that of torchvision's v2 functions on 8-bit tensors, rounding as float32 where they do.
import type { ColorJitterConfig } from "../../../compiler/config.js";
import type { RandomStream } from "../../random/random-stream.js";

const { fround, min, max, trunc } = Math;

/** What is done to one image: the operations in their order, each with its factor; the hue's is a shift of the circle. */
export interface ColorChange {
  readonly order: readonly ColorOperation[];
  readonly factors: Readonly<Record<ColorOperation, number>>;
}

export type ColorOperation = keyof ColorJitterConfig;
const OPERATIONS: readonly ColorOperation[] = ["brightness", "contrast", "saturation", "hue"];

/**
 * Draws the order, then all four factors: from 1 − amount to 1 + amount, but not below 0; the hue's from −amount to amount.
 * An amount of 0 leaves its operation out.
 */
export function drawColorChange(settings: ColorJitterConfig, stream: RandomStream): ColorChange {
  const order = [...OPERATIONS];
  for (let last = order.length - 1; last > 0; last--) {
    const other = stream.integer(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  const factors = { brightness: 1, contrast: 1, saturation: 1, hue: 0 };
  for (const operation of OPERATIONS) {
    const amount = settings[operation];
    const lowest = operation === "hue" ? -amount : max(0, 1 - amount);
    const highest = operation === "hue" ? amount : 1 + amount;
    factors[operation] = lowest + (highest - lowest) * stream.uniform();
  }
  return { order: order.filter((operation) => settings[operation] > 0), factors };
}

/** Changes the image of that many pixels at `offset` in place; of one channel, brightness and contrast alone do something. */
export function changeColors(
  image: Uint8Array,
  offset: number,
  pixels: number,
  channels: number,
  { order, factors }: ColorChange,
): void {
  for (const operation of order) adjust[operation](image, offset, pixels, channels, factors[operation]);
}

type Adjust = (image: Uint8Array, offset: number, pixels: number, channels: number, factor: number) => void;

// One image at a time is changed, and every value of a table is written before it is read.
const table = new Uint8Array(256);
const scaled = new Float64Array(256);

const adjust: Readonly<Record<ColorOperation, Adjust>> = {
  brightness(image, offset, pixels, channels, factor) {
    const ratio = fround(factor);
    for (let value = 0; value < 256; value++) table[value] = trunc(min(fround(value * ratio), 255));
    lookUp(image, offset, pixels * channels);
  },

  /** Away from the mean of the grey image, or towards it. */
  contrast(image, offset, pixels, channels, factor) {
    let sum = 0;
    for (let pixel = 0, at = offset; pixel < pixels; pixel++, at += channels) {
      sum += channels === 3 ? grey(image[at]!, image[at + 1]!, image[at + 2]!) : image[at]!;
    }
    const ratio = fround(factor);
    const other = fround(1 - factor) * fround(sum / pixels);
    for (let value = 0; value < 256; value++) table[value] = toByte(fround(fround(value * ratio) + other));
    lookUp(image, offset, pixels * channels);
  },

  /** Away from the grey image, or towards it. */
  saturation(image, offset, pixels, channels, factor) {
    if (channels !== 3) return;
    const [ratio, rest] = [fround(factor), fround(1 - factor)];
    for (let value = 0; value < 256; value++) scaled[value] = fround(value * ratio);
    for (let at = offset; at < offset + pixels * 3; at += 3) {
      const [red, green, blue] = [image[at]!, image[at + 1]!, image[at + 2]!];
      const other = rest * grey(red, green, blue);
      image[at] = toByte(fround(scaled[red]! + other));
      image[at + 1] = toByte(fround(scaled[green]! + other));
      image[at + 2] = toByte(fround(scaled[blue]! + other));
    }
  },

  /** Turns the circle of hues by the factor, a share of it. */
  hue(image, offset, pixels, channels, factor) {
    if (channels !== 3) return;
    const turn = fround(factor);
    for (let at = offset; at < offset + pixels * 3; at += 3) {
      turnHue(image, at, turn);
    }
  },
};

function lookUp(image: Uint8Array, offset: number, bytes: number): void {
  for (let at = offset; at < offset + bytes; at++) image[at] = table[image[at]!]!;
}

function toByte(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : value | 0;
}

// What each value of a colour adds to a grey: ITU-R BT.601, with torchvision's four digits. torchvision adds green and blue by
// fused multiply-add; products of float32 are exact in float64, so that one rounding is left here too.
const redShares = Float64Array.from({ length: 256 }, (_, value) => fround(value * fround(0.2989)));
const greenShares = Float64Array.from({ length: 256 }, (_, value) => value * fround(0.587));
const blueShares = Float64Array.from({ length: 256 }, (_, value) => value * fround(0.114));

function grey(red: number, green: number, blue: number): number {
  return fround(fround(redShares[red]! + greenShares[green]!) + blueShares[blue]!) | 0;
}

const [SIXTH, TO_BYTE] = [fround(1 / 6), fround(255.999)];
const units = Float32Array.from({ length: 256 }, (_, value) => value * fround(1 / 255));

/** RGB → HSV → RGB as Pillow's Convert.c has it, through float32. */
function turnHue(image: Uint8Array, at: number, turn: number): void {
  const [r, g, b] = [image[at]!, image[at + 1]!, image[at + 2]!];
  const most = r > g ? (r > b ? r : b) : g > b ? g : b;
  const least = r < g ? (r < b ? r : b) : g < b ? g : b;
  if (most === least) return; // grey has no hue
  const value = units[most]!;
  const range = fround(value - units[least]!);
  const saturation = fround(range / value);
  // How far each colour is from the largest, in units of the range
  const toRed = fround(fround(value - units[r]!) / range);
  const toGreen = fround(fround(value - units[g]!) / range);
  const toBlue = fround(fround(value - units[b]!) / range);
  let hue: number;
  if (r === most) hue = fround(toBlue - toGreen);
  else if (g === most) hue = fround(fround(toRed + 2) - toBlue);
  else hue = fround(fround(toGreen + 4) - toRed);
  hue = fround(fround(hue * SIXTH) + 1);
  if (hue >= 1) hue -= 1; // exact
  hue = fround(hue + turn);
  if (hue < 0) hue = fround(hue + 1);
  else if (hue >= 1) hue -= 1;

  const sixths = fround(hue * 6);
  const sector = sixths | 0;
  const within = fround(saturation * fround(sixths - sector));
  const pale = fround(1 - saturation);
  const v = byteOf(value);
  const p = byteOf(fround(pale * value));
  const q = byteOf(fround(fround(1 - within) * value));
  const t = byteOf(fround(fround(within + pale) * value));
  if (sector === 0 || sector === 6) setPixel(image, at, v, t, p);
  else if (sector === 1) setPixel(image, at, q, v, p);
  else if (sector === 2) setPixel(image, at, p, v, t);
  else if (sector === 3) setPixel(image, at, p, q, v);
  else if (sector === 4) setPixel(image, at, t, p, v);
  else setPixel(image, at, v, p, q);
}

function byteOf(unit: number): number {
  return fround(unit * TO_BYTE) | 0;
}

function setPixel(image: Uint8Array, at: number, red: number, green: number, blue: number): void {
  image[at] = red;
  image[at + 1] = green;
  image[at + 2] = blue;
}
