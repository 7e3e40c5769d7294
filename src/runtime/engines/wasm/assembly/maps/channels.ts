// Channels that go from one map to another: what concatenates, slices and shuffles. T is how maps are stored (see simd.ts).
import { CopyChannels, ShuffleChannels } from "../generated/operands";
import { bytesOf } from "../simd";
import { takeUnit } from "../threads";

/** Units of work: about 16 KiB of the wider map. */
// @ts-ignore: decorator
@inline
function pixelsInUnit<T>(lanes: i32): i32 {
  return max(1, <i32>(<usize>16384 / bytesOf<T>(<usize>lanes)));
}

/** Whole vectors, the last of which lies over the one before it; elements one by one only where there is no whole vector. */
// @ts-ignore: decorator
@inline
function copyRun<T>(to: usize, from: usize, bytes: usize): void {
  if (bytes < 16) {
    for (let at: usize = 0; at < bytes; at += bytesOf<T>(1)) store<T>(to + at, load<T>(from + at));
    return;
  }
  for (let at: usize = 0; at + 16 <= bytes; at += 16) v128.store(to + at, v128.load(from + at));
  v128.store(to + bytes - 16, v128.load(from + bytes - 16));
}

// @ts-ignore: decorator
@inline
function clearRun<T>(from: usize, end: usize): void {
  while (from + 16 <= end) { v128.store(from, i32x4.splat(0)); from += 16; }
  while (from < end) { store<T>(from, 0); from += bytesOf<T>(1); }
}

/**
 * Behind the copied channels, zeros up to a whole vector of lanes: those behind the last channel stay, further channels are
 * written by a later call.
 */
export function copyChannels<T>(call: usize): void {
  const pixels = CopyChannels.pixels(call), inputLanes = CopyChannels.inputLanes(call), outputLanes = CopyChannels.outputLanes(call);
  const inputRow = bytesOf<T>(inputLanes), outputRow = bytesOf<T>(outputLanes), clears = CopyChannels.clears(call);
  const bytes = bytesOf<T>(CopyChannels.channels(call)), before = bytesOf<T>(CopyChannels.outputFrom(call));
  const end = clears ? outputRow : bytesOf<T>((CopyChannels.outputFrom(call) + CopyChannels.channels(call) + 7) & -8);
  const input = CopyChannels.input(call) + bytesOf<T>(CopyChannels.inputFrom(call)), output = CopyChannels.output(call);
  const inUnit = pixelsInUnit<T>(max(inputLanes, outputLanes));
  for (let unit = takeUnit(); unit * inUnit < pixels; unit = takeUnit()) {
    const last = min(pixels, (unit + 1) * inUnit);
    let from = input + inputRow * (unit * inUnit), to = output + outputRow * (unit * inUnit);
    for (let pixel = unit * inUnit; pixel < last; pixel++, from += inputRow, to += outputRow) {
      if (clears) clearRun<T>(to, to + before);
      copyRun<T>(to + before, from, bytes);
      clearRun<T>(to + before + bytes, to + end);
    }
  }
}

export function shuffleChannels<T>(call: usize): void {
  const pixels = ShuffleChannels.pixels(call), lanes = ShuffleChannels.lanes(call), channels = ShuffleChannels.channels(call);
  const groups = ShuffleChannels.groups(call), each = channels / groups, row = bytesOf<T>(lanes), step = bytesOf<T>(groups), inUnit = pixelsInUnit<T>(lanes);
  for (let unit = takeUnit(); unit * inUnit < pixels; unit = takeUnit()) {
    const last = min(pixels, (unit + 1) * inUnit);
    for (let pixel = unit * inUnit; pixel < last; pixel++) {
      let from = ShuffleChannels.input(call) + row * pixel;
      const y = ShuffleChannels.output(call) + row * pixel;
      for (let group = 0; group < groups; group++) {
        let to = y + bytesOf<T>(group);
        for (let channel = 0; channel < each; channel++, from += bytesOf<T>(1), to += step) store<T>(to, load<T>(from));
      }
      clearRun<T>(y + bytesOf<T>(channels), y + row);
    }
  }
}
