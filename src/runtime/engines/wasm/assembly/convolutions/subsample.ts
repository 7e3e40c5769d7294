// The shortcut without parameters (He et al. 2015, §3.3, option A): every stride-th pixel with its own channels and zeros behind
// them, and its gradient; a unit of work is an image.
import { Subsample, SubsampleGradient } from "../generated/operands";
import { bytesOf } from "../simd";
import { takeUnit } from "../threads";

export function subsample<T>(call: usize): void {
  const height = Subsample.height(call), width = Subsample.width(call);
  const outHeight = Subsample.outHeight(call), outWidth = Subsample.outWidth(call);
  const row = bytesOf<T>(Subsample.lanes(call)), outRow = bytesOf<T>(Subsample.outLanes(call));
  const kept = bytesOf<T>(Subsample.channels(call)), images = Subsample.images(call);
  for (let image = takeUnit(); image < images; image = takeUnit()) {
    const x = Subsample.input(call) + row * (<usize>image * (height * width));
    let y = Subsample.output(call) + outRow * (<usize>image * (outHeight * outWidth));
    for (let oy = 0; oy < outHeight; oy++) for (let ox = 0; ox < outWidth; ox++, y += outRow) {
      memory.copy(y, x + row * (oy * Subsample.strideHeight(call) * width + ox * Subsample.strideWidth(call)), kept);
      memory.fill(y + kept, 0, outRow - kept);
    }
  }
}

/** What the further channels were given goes nowhere, and pixels that were passed over get none. */
export function subsampleGradient<T>(call: usize): void {
  const height = SubsampleGradient.height(call), width = SubsampleGradient.width(call);
  const outHeight = SubsampleGradient.outHeight(call), outWidth = SubsampleGradient.outWidth(call);
  const row = bytesOf<T>(SubsampleGradient.lanes(call)), outRow = bytesOf<T>(SubsampleGradient.outLanes(call));
  const kept = bytesOf<T>(SubsampleGradient.channels(call)), images = SubsampleGradient.images(call);
  for (let image = takeUnit(); image < images; image = takeUnit()) {
    const dx = SubsampleGradient.inputGradient(call) + row * (<usize>image * (height * width));
    let dy = SubsampleGradient.outputGradient(call) + outRow * (<usize>image * (outHeight * outWidth));
    memory.fill(dx, 0, row * (height * width));
    for (let oy = 0; oy < outHeight; oy++) for (let ox = 0; ox < outWidth; ox++, dy += outRow) {
      memory.copy(dx + row * (oy * SubsampleGradient.strideHeight(call) * width + ox * SubsampleGradient.strideWidth(call)), dy, kept);
    }
  }
}
