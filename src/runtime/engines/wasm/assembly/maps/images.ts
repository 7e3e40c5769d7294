// 8-bit images to normalised floats: one table of 256 values a channel holds (x / 255 − mean) / deviation, rounded as
// float32 at each operation, so that the result is PyTorch's to the bit.
import { LoadImages } from "../generated/operands";
import { takeUnit } from "../threads";

const PIXELS_AT_ONCE: i32 = 4096;

export function loadImages(call: usize): void {
  const pixels = LoadImages.pixels(call), channels = LoadImages.channels(call), lanes = LoadImages.lanes(call);
  const values = LoadImages.values(call);
  for (let unit = takeUnit(); unit * PIXELS_AT_ONCE < pixels; unit = takeUnit()) {
    const first = unit * PIXELS_AT_ONCE, last = min(pixels, first + PIXELS_AT_ONCE);
    let from = LoadImages.images(call) + <usize>(first * channels), to = LoadImages.output(call) + (<usize>(first * lanes) << 2);
    for (let pixel = first; pixel < last; pixel++) {
      for (let channel = 0; channel < channels; channel++, from++, to += 4) {
        store<f32>(to, load<f32>(values + (<usize>((channel << 8) + load<u8>(from)) << 2)));
      }
      for (let channel = channels; channel < lanes; channel++, to += 4) store<f32>(to, 0);
    }
  }
}
