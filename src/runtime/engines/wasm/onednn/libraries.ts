// Program → the native libraries that the wasm engine hands convolutions to on this machine.
import type { ConvolutionLibrary } from "../../../../compiler/lower/convolutions/convolution-kernels.js";
import type { Program } from "../../../../compiler/program.js";
import { UserError } from "../../../process/user-error.js";
import { findOneDnn } from "./find.js";
import { oneDnnKernels } from "./kernels.js";

export const ONEDNN_REMEDY =
  "run `apt-get install libdnnl2` or `netc engine add onednn --yes`, or set NETC_ONEDNN to a libdnnl's file";

/** @throws UserError where the program asks for bfloat16 and nothing here computes in it. */
export async function nativeLibraries({ config }: Program): Promise<ConvolutionLibrary[]> {
  const found = await findOneDnn();
  const { precision } = config.train;
  if (precision === "float32") return found.available ? [oneDnnKernels(found, false)] : [];
  const without = "or write `precision: float32`";
  if (!found.available) {
    throw new UserError(`train.precision: bfloat16 needs oneDNN (${found.reason}): ${ONEDNN_REMEDY}, ${without}`);
  }
  if (!found.bfloat16) {
    throw new UserError(
      `train.precision: bfloat16 needs a processor with instructions for it (AVX-512 BF16 or AMX); ` +
        `oneDNN ${found.version} finds none here: write \`precision: float32\``,
    );
  }
  return [oneDnnKernels(found, true)];
}
