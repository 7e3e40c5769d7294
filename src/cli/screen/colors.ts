// Colours for what is written to a stream. picocolors by itself would colour pipes too, on Windows and wherever CI is set.
import picocolors from "picocolors";
import { usesColor } from "./options.js";

export function colorsFor(stream: { readonly isTTY?: boolean }): ReturnType<typeof picocolors.createColors> {
  return picocolors.createColors(usesColor(stream));
}
