// In which ways oneDNN can carry out a pass of a convolution, and the work that each makes of it.
import type { ConvolutionPass } from "../../../../compiler/lower/convolutions/convolution-task.js";
import type { ConvolutionSizes } from "../../../../compiler/lower/convolutions/convolution-plan.js";
import { multiplyAddsOf } from "../../../../compiler/lower/convolutions/convolution-plan.js";
import { multiplyAddsWithoutPadding } from "../../../../compiler/lower/convolutions/valid-places.js";
import type { Abi, DataType } from "./abi.js";
import { OneDnnError } from "./abi.js";
import type { ConvolutionMethod } from "./convolution.js";
import { Parts } from "./parts.js";
import { PixelProducts } from "./pixel-products.js";
import { TapProducts } from "./tap-products.js";
import type { LibraryWork } from "./work.js";

/** Products of matrices that leave the padding out, where padding is worth it. */
interface ProductMethod {
  readonly name: string;
  readonly algorithm: "products";
  readonly type: DataType;
}

export type Method = ConvolutionMethod | ProductMethod;

/** A call names its method by the index. */
export const METHODS: readonly Method[] = [
  { name: "direct", algorithm: "direct", type: "float32", layout: "channels last" },
  { name: "direct, blocked", algorithm: "direct", type: "float32", layout: "blocked" },
  { name: "winograd", algorithm: "winograd", type: "float32", layout: "any" },
  { name: "bfloat16", algorithm: "direct", type: "bfloat16", layout: "channels last" },
  { name: "bfloat16, blocked", algorithm: "direct", type: "bfloat16", layout: "blocked" },
  { name: "bfloat16 without padding", algorithm: "products", type: "bfloat16" },
  { name: "without padding", algorithm: "products", type: "float32" },
];

/** Where more of the products than that are real, a convolution of the library's is as fast. */
const MOST_REAL = 0.9;

/** `imagesAtOnce` cuts the batch for the library's own convolutions. @throws OneDnnError where the library cannot. */
export function workOf(
  abi: Abi,
  method: Method,
  pass: ConvolutionPass,
  sizes: ConvolutionSizes,
  imagesAtOnce: number,
): LibraryWork {
  if (method.algorithm !== "products") return new Parts(abi, pass, sizes, method, imagesAtOnce);
  if (multiplyAddsWithoutPadding(sizes) > MOST_REAL * multiplyAddsOf(sizes)) {
    throw new OneDnnError("there is little padding to leave out");
  }
  return pass === "weight gradient"
    ? new TapProducts(abi, sizes, method.type)
    : new PixelProducts(abi, pass, sizes, method.type);
}
