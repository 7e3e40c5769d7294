// The stem whose filters whiten: they are computed from the training images, where the file asks for it.
import type { ModelConfig, StemConfig, WhiteningConfig } from "../config.js";

/** Undefined where the first filters are trained as all others. */
export function whiteningStem({
  stem,
}: ModelConfig): (StemConfig & { readonly whitening: WhiteningConfig }) | undefined {
  if (!("whitening" in stem) || stem.whitening === null) return undefined;
  return { ...stem, whitening: stem.whitening };
}
