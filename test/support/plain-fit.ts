import type { PictureFit } from "../../src/compiler/config.js";

/** As little resizing as covers a size, by Pillow's bilinear: what a file says that says nothing. */
export function plainFit(size: PictureFit["size"]): PictureFit {
  return { size, resize: null, interpolation: "bilinear" };
}
