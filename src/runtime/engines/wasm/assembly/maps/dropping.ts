// Dropout (Srivastava et al. 2014) and drop path (Huang et al. 2016, arXiv 1603.09382), and their gradients, which are the same. Which
// elements stay is a function of seed, step, micro-batch, node and element alone: Philox4x32-10 as in runtime/random/philox.ts, four
// counters at once. T is how maps are stored (see simd.ts).
import { DRAW_KEY, DRAW_PURPOSE, DRAW_STEP, POINTWISE_UNIT_BYTES } from "../generated/constants";
import { DropElements, DropImages } from "../generated/operands";
import { bytesOf, loadFour, splat, storeFour } from "../simd";
import { takeUnit } from "../threads";

/** What was drawn last, of this thread: word i of four counters in lane order. */
let words0: v128 = i32x4.splat(0), words1: v128 = i32x4.splat(0), words2: v128 = i32x4.splat(0), words3: v128 = i32x4.splat(0);

// @ts-ignore: decorator
@inline
function lowOf(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 0, 2, 4, 6);
}

// @ts-ignore: decorator
@inline
function highOf(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 1, 3, 5, 7);
}

/** The words of the counters `block` to `block + 3` of a node. */
function draw(block: u32, node: i32): void {
  let c0 = i32x4.add(i32x4.splat(block), i32x4(0, 1, 2, 3)), c1 = i32x4.splat(node);
  let c2 = i32x4.splat(load<i32>(DRAW_STEP)), c3 = i32x4.splat(load<i32>(DRAW_PURPOSE));
  let key0 = load<i32>(DRAW_KEY), key1 = load<i32>(DRAW_KEY, 4);
  const m0 = i32x4.splat(0xd2511f53), m1 = i32x4.splat(0xcd9e8d57);
  for (let round = 0; round < 10; round++) {
    const p0 = i64x2.extmul_low_i32x4_u(c0, m0), q0 = i64x2.extmul_high_i32x4_u(c0, m0);
    const p1 = i64x2.extmul_low_i32x4_u(c2, m1), q1 = i64x2.extmul_high_i32x4_u(c2, m1);
    c0 = v128.xor(v128.xor(highOf(p1, q1), c1), i32x4.splat(key0));
    c2 = v128.xor(v128.xor(highOf(p0, q0), c3), i32x4.splat(key1));
    c1 = lowOf(p1, q1);
    c3 = lowOf(p0, q0);
    key0 += 0x9e3779b9;
    key1 += 0xbb67ae85;
  }
  words0 = c0; words1 = c1; words2 = c2; words3 = c3;
}

// @ts-ignore: decorator
@inline
function keep<T>(from: usize, to: usize, words: v128, threshold: v128, factor: v128): void {
  storeFour<T>(to, v128.and(f32x4.mul(loadFour<T>(from), factor), i32x4.ge_s(words, threshold)));
}

/** Every element by a word of its own: element i by word i mod 4 of counter i / 4, lanes beyond the channels counted. */
export function dropElements<T>(call: usize): void {
  const x = DropElements.input(call), y = DropElements.output(call), node = DropElements.node(call);
  const threshold = i32x4.splat(DropElements.threshold(call)), factor = splat(DropElements.factor(call)), four = bytesOf<T>(4);
  const bytes = bytesOf<T>(<usize>DropElements.count(call));
  for (let first = <usize>takeUnit() << 16; first < bytes; first = <usize>takeUnit() << 16) {
    const end = min(bytes, first + POINTWISE_UNIT_BYTES);
    for (let at = first; at < end; at += four << 2) {
      draw(<u32>(at / four), node);
      const low = v128.shuffle<i32>(words0, words1, 0, 4, 1, 5), high = v128.shuffle<i32>(words2, words3, 0, 4, 1, 5);
      keep<T>(x + at, y + at, v128.shuffle<i32>(low, high, 0, 1, 4, 5), threshold, factor);
      keep<T>(x + at + four, y + at + four, v128.shuffle<i32>(low, high, 2, 3, 6, 7), threshold, factor);
      if (at + (four << 1) == end) break; // elements come by eight
      const lower = v128.shuffle<i32>(words0, words1, 2, 6, 3, 7), higher = v128.shuffle<i32>(words2, words3, 2, 6, 3, 7);
      keep<T>(x + at + (four << 1), y + at + (four << 1), v128.shuffle<i32>(lower, higher, 0, 1, 4, 5), threshold, factor);
      keep<T>(x + at + 3 * four, y + at + 3 * four, v128.shuffle<i32>(lower, higher, 2, 3, 6, 7), threshold, factor);
    }
  }
}

/** Whole images, by word i mod 4 of counter i / 4. */
export function dropImages<T>(call: usize): void {
  const images = DropImages.images(call), bytes = bytesOf<T>(<usize>DropImages.count(call)), factor = splat(DropImages.factor(call));
  const threshold = i32x4.splat(DropImages.threshold(call)), node = DropImages.node(call), four = bytesOf<T>(4);
  for (let image = takeUnit(); image < images; image = takeUnit()) {
    draw(image >> 2, node);
    const which = image & 3, words = which < 2 ? (which ? words1 : words0) : which == 2 ? words2 : words3;
    const kept = i32x4.splat(i32x4.extract_lane(words, 0)); // of the first of the four counters
    const x = DropImages.input(call) + bytes * image, y = DropImages.output(call) + bytes * image;
    for (let at: usize = 0; at < bytes; at += four) keep<T>(x + at, y + at, kept, threshold, factor);
  }
}
