// Convolution as matrix products over tables of offsets: 4 pixels × 8 channels a tile, any kernel, stride and padding.
import { ZEROS } from "../generated/constants";
import { ConvolveDirect, PackWeights } from "../generated/operands";
import { lowerBound } from "../maps/pointwise";
import { atLeast, fma, SINK, splat } from "../simd";
import { takeUnit } from "../threads";

/** packed[column tile][tap][k][8] = weights[tapOffset[tap] + k·depthStride + column·columnStride] */
export function packWeights(call: usize): void {
  const weights = PackWeights.weights(call), taps = PackWeights.taps(call), tapOffsets = PackWeights.tapOffsets(call);
  const depth = PackWeights.depth(call), depthStride = PackWeights.depthStride(call);
  const columns = PackWeights.columns(call), columnStride = PackWeights.columnStride(call);
  const panel = <usize>(taps * depth) << 5;
  for (let tile = takeUnit(); tile < columns >> 3; tile = takeUnit()) {
    let to = PackWeights.packed(call) + panel * tile;
    for (let tap = 0; tap < taps; tap++) {
      const first = load<i32>(tapOffsets + (<usize>tap << 2)) + tile * 8 * columnStride;
      for (let k = 0; k < depth; k++, to += 32) {
        const from = weights + (<usize>(first + k * depthStride) << 2);
        if (columnStride == 1) {
          v128.store(to, v128.load(from));
          v128.store(to, v128.load(from, 16), 16);
        } else {
          const step = <usize>columnStride << 2;
          for (let j: usize = 0; j < 8; j++) store<f32>(to + (j << 2), load<f32>(from + j * step));
        }
      }
    }
  }
}

/** Bytes of a filter of one tap that stays in the first-level cache, so that a tile's pixels are read but once. */
const SMALL_FILTER: usize = 16384;

export function convolveDirect(call: usize): void {
  const input = ConvolveDirect.input(call), packed = ConvolveDirect.packed(call), output = ConvolveDirect.output(call);
  const bias = ConvolveDirect.bias(call), least = lowerBound(ConvolveDirect.relu(call));
  const added = ConvolveDirect.accumulate(call) ? output : ConvolveDirect.residual(call);
  const offsets = ConvolveDirect.offsets(call), tiles = ConvolveDirect.tiles(call), taps = ConvolveDirect.taps(call);
  const depthBytes = <usize>ConvolveDirect.depth(call) << 5, columnTiles = ConvolveDirect.columnTiles(call);
  const groups = ConvolveDirect.groups(call), atOnce = ConvolveDirect.groupsAtOnce(call);
  const inputGroup = <usize>ConvolveDirect.inputGroupBytes(call), outputGroup = <usize>ConvolveDirect.outputGroupBytes(call);
  const tileBytes = <usize>(taps + 1) << 4, panel = depthBytes * taps;
  for (let unit = takeUnit(); unit * atOnce < groups; unit = takeUnit()) {
    const end = min(groups, (unit + 1) * atOnce);
    if (taps == 1 && panel * columnTiles <= SMALL_FILTER) {
      for (let group = unit * atOnce; group < end; group++) {
        const groupInput = input + inputGroup * group, groupOutput = output + outputGroup * group, groupAdded = added ? added + outputGroup * group : 0;
        let tile = offsets;
        for (let index = 0; index < tiles; index++, tile += tileBytes) for (let column = 0; column < columnTiles; column++) {
          const at = <usize>column << 5;
          multiplyTile(
            tile, taps, groupInput, depthBytes, packed + panel * column, groupOutput + at, bias ? bias + at : ZEROS, groupAdded ? groupAdded + at : 0, least,
          );
        }
      }
      continue;
    }
    for (let column = 0; column < columnTiles; column++) {
      const columnBytes = <usize>column << 5;
      for (let group = unit * atOnce; group < end; group++) {
        const groupInput = input + inputGroup * group, groupOutput = output + outputGroup * group + columnBytes;
        const groupAdded = added ? added + outputGroup * group + columnBytes : 0;
        let tile = offsets;
        for (let index = 0; index < tiles; index++, tile += tileBytes) {
          multiplyTile(
            tile, taps, groupInput, depthBytes, packed + panel * column, groupOutput, bias ? bias + columnBytes : ZEROS, groupAdded, least,
          );
        }
      }
    }
  }
}

/** tile: four output offsets, then for each tap four input offsets; -1 is the padding (reads zeros) or no pixel at all. */
function multiplyTile(
  tile: usize, taps: i32, input: usize, depthBytes: usize, panel: usize, output: usize, bias: usize, added: usize, least: v128,
): void {
  const o0 = load<i32>(tile), o1 = load<i32>(tile, 4), o2 = load<i32>(tile, 8), o3 = load<i32>(tile, 12);
  const y0 = select<usize>(SINK, output + <usize>o0, o0 == -1), y1 = select<usize>(SINK, output + <usize>o1, o1 == -1);
  const y2 = select<usize>(SINK, output + <usize>o2, o2 == -1), y3 = select<usize>(SINK, output + <usize>o3, o3 == -1);
  let c00 = v128.load(bias), c01 = v128.load(bias, 16);
  let c10 = c00, c11 = c01, c20 = c00, c21 = c01, c30 = c00, c31 = c01;
  if (added) {
    const r0 = select<usize>(SINK, added + <usize>o0, o0 == -1), r1 = select<usize>(SINK, added + <usize>o1, o1 == -1);
    const r2 = select<usize>(SINK, added + <usize>o2, o2 == -1), r3 = select<usize>(SINK, added + <usize>o3, o3 == -1);
    c00 = f32x4.add(c00, v128.load(r0)); c01 = f32x4.add(c01, v128.load(r0, 16)); c10 = f32x4.add(c10, v128.load(r1)); c11 = f32x4.add(c11, v128.load(r1, 16));
    c20 = f32x4.add(c20, v128.load(r2)); c21 = f32x4.add(c21, v128.load(r2, 16)); c30 = f32x4.add(c30, v128.load(r3)); c31 = f32x4.add(c31, v128.load(r3, 16));
  }
  let q = tile + 16;
  const qEnd = q + (<usize>taps << 4);
  while (q != qEnd) {
    const i0 = load<i32>(q), i1 = load<i32>(q, 4), i2 = load<i32>(q, 8), i3 = load<i32>(q, 12);
    if ((i0 & i1 & i2 & i3) == -1) { panel += depthBytes; q += 16; continue; } // padding for all four pixels
    let a0 = select<usize>(ZEROS, input + <usize>i0, i0 == -1), a1 = select<usize>(ZEROS, input + <usize>i1, i1 == -1);
    let a2 = select<usize>(ZEROS, input + <usize>i2, i2 == -1), a3 = select<usize>(ZEROS, input + <usize>i3, i3 == -1);
    const end = panel + depthBytes, e1 = end - 32, e2 = end - 64, e3 = end - 96, e4 = end - 128;
    // The exits in the middle are taken at the end of a depth that is no multiple of 4. They also cut the unrolled body into
    // basic blocks: without them V8 schedules every load of the body first and spills (measured twice as slow).
    while (true) {
      {
        const b0 = v128.load(panel), b1 = v128.load(panel, 16);
        const t0 = v128.load_splat<f32>(a0); c00 = fma(t0, b0, c00); c01 = fma(t0, b1, c01);
        const t1 = v128.load_splat<f32>(a1); c10 = fma(t1, b0, c10); c11 = fma(t1, b1, c11);
        const t2 = v128.load_splat<f32>(a2); c20 = fma(t2, b0, c20); c21 = fma(t2, b1, c21);
        const t3 = v128.load_splat<f32>(a3); c30 = fma(t3, b0, c30); c31 = fma(t3, b1, c31);
      }
      if (panel == e1) break;
      {
        const b0 = v128.load(panel, 32), b1 = v128.load(panel, 48);
        const t0 = v128.load_splat<f32>(a0, 4); c00 = fma(t0, b0, c00); c01 = fma(t0, b1, c01);
        const t1 = v128.load_splat<f32>(a1, 4); c10 = fma(t1, b0, c10); c11 = fma(t1, b1, c11);
        const t2 = v128.load_splat<f32>(a2, 4); c20 = fma(t2, b0, c20); c21 = fma(t2, b1, c21);
        const t3 = v128.load_splat<f32>(a3, 4); c30 = fma(t3, b0, c30); c31 = fma(t3, b1, c31);
      }
      if (panel == e2) break;
      {
        const b0 = v128.load(panel, 64), b1 = v128.load(panel, 80);
        const t0 = v128.load_splat<f32>(a0, 8); c00 = fma(t0, b0, c00); c01 = fma(t0, b1, c01);
        const t1 = v128.load_splat<f32>(a1, 8); c10 = fma(t1, b0, c10); c11 = fma(t1, b1, c11);
        const t2 = v128.load_splat<f32>(a2, 8); c20 = fma(t2, b0, c20); c21 = fma(t2, b1, c21);
        const t3 = v128.load_splat<f32>(a3, 8); c30 = fma(t3, b0, c30); c31 = fma(t3, b1, c31);
      }
      if (panel == e3) break;
      {
        const b0 = v128.load(panel, 96), b1 = v128.load(panel, 112);
        const t0 = v128.load_splat<f32>(a0, 12); c00 = fma(t0, b0, c00); c01 = fma(t0, b1, c01);
        const t1 = v128.load_splat<f32>(a1, 12); c10 = fma(t1, b0, c10); c11 = fma(t1, b1, c11);
        const t2 = v128.load_splat<f32>(a2, 12); c20 = fma(t2, b0, c20); c21 = fma(t2, b1, c21);
        const t3 = v128.load_splat<f32>(a3, 12); c30 = fma(t3, b0, c30); c31 = fma(t3, b1, c31);
      }
      if (panel == e4) break;
      a0 += 16; a1 += 16; a2 += 16; a3 += 16; panel += 128;
    }
    panel = end;
    q += 16;
  }
  v128.store(y0, atLeast(c00, least)); v128.store(y0, atLeast(c01, least), 16); v128.store(y1, atLeast(c10, least)); v128.store(y1, atLeast(c11, least), 16);
  v128.store(y2, atLeast(c20, least)); v128.store(y2, atLeast(c21, least), 16); v128.store(y3, atLeast(c30, least)); v128.store(y3, atLeast(c31, least), 16);
}
