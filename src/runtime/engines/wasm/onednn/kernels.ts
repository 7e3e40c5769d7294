// oneDNN as kernels that the compiler can choose: which methods there are, and what memory each needs for a convolution.
import type { KernelProvider } from "../../../../compiler/lower/kernels/kernel-provider.js";
import type { ConvolutionPass } from "../../../../compiler/lower/convolutions/convolution-task.js";
import type { ConvolutionSizes } from "../../../../compiler/lower/convolutions/convolution-plan.js";
import type { LibraryMethod, LibraryPlan } from "../../../../compiler/lower/convolutions/emit-library.js";
import { libraryConvolutions } from "../../../../compiler/lower/convolutions/emit-library.js";
import { libraryWinograd } from "../../../../compiler/lower/convolutions/emit-library-winograd.js";
import { suiting } from "../../../../compiler/lower/convolutions/convolution-kernels.js";
import { builtModule } from "../../../process/built-module.js";
import type { Abi } from "./abi.js";
import { OneDnnError } from "./abi.js";
import type { Method } from "./methods.js";
import { METHODS, workOf } from "./methods.js";

/**
 * Roughly, as measured on a Zen 4 core: 120 GFLOP/s directly, 230 by Winograd or in bfloat16, 190 of weight gradients in
 * bfloat16; layouts at 25 GB/s.
 */
const COSTS: Readonly<Record<string, LibraryMethod["cost"]>> = {
  direct: { products: 17, bytes: 0.01 },
  "direct, blocked": { products: 17, bytes: 0.05 },
  winograd: { products: 9, bytes: 0.05 },
  bfloat16: { products: 8, weightGradient: 10, bytes: 0.03 },
  "bfloat16, blocked": { products: 8, weightGradient: 10, bytes: 0.05 },
  "bfloat16 without padding": { products: 11, bytes: 0.03 },
  "without padding": { products: 19, bytes: 0.05 },
};

/** Of each thread. Winograd's filters of 512 channels alone take 37 MB, and gain nothing over direct products. */
const MOST_SCRATCH_BYTES = 32 * 1024 * 1024;

const [ID, NAME] = ["onednn", "oneDNN"];

export interface OneDnnUse {
  readonly file: string;
  readonly version: string;
  readonly abi: Abi;
}

/** With `bfloat16` also the methods that round to bfloat16 what they multiply. */
export function oneDnnKernels({ file, version, abi }: OneDnnUse, bfloat16: boolean): KernelProvider {
  const usable = METHODS.filter(({ type }) => type === "float32" || bfloat16);
  const methods = usable.map((method): LibraryMethod => {
    const plans = new Map<string, LibraryPlan | undefined>();
    return {
      name: `${NAME} ${version} ${method.name}`,
      number: METHODS.indexOf(method),
      cost: COSTS[method.name]!,
      skipsPadding: method.algorithm === "products",
      plan(pass, sizes, imagesAtOnce) {
        const key = JSON.stringify([pass, sizes, imagesAtOnce]);
        if (!plans.has(key)) plans.set(key, planOf(abi, method, pass, sizes, imagesAtOnce));
        return plans.get(key);
      },
    };
  });
  const [whole, products] = [libraryConvolutions(ID, methods), libraryWinograd(ID, `${NAME} ${version}`)];
  const kernels = {
    forward: [...whole.forward, ...products.forward],
    "input gradient": [...whole["input gradient"], ...products["input gradient"]],
    "weight gradient": [...whole["weight gradient"], ...products["weight gradient"]],
  };
  return {
    id: ID,
    name: NAME,
    version,
    candidates: (task) => suiting(kernels, task),
    thread: { module: builtModule("runtime/engines/wasm/onednn/thread").href, setup: file },
  };
}

/**
 * A strided 1×1 convolution copies its input without what the stride skips. Where channels fill no vector, oneDNN 2.6 asks for
 * room for so many channels and writes whole vectors: seen for 8 of 16 lanes, over what the heap has behind the scratch.
 */
function writesBeyondItsScratch({ kernel, stride, inLanes, outLanes }: ConvolutionSizes): boolean {
  const isStrided = kernel[0] * kernel[1] === 1 && stride[0] * stride[1] > 1;
  return isStrided && (inLanes % WIDEST_VECTOR !== 0 || outLanes % WIDEST_VECTOR !== 0);
}

const WIDEST_VECTOR = 16; // floats

function planOf(
  abi: Abi,
  method: Method,
  pass: ConvolutionPass,
  sizes: ConvolutionSizes,
  imagesAtOnce: number,
): LibraryPlan | undefined {
  if (method.algorithm === "direct" && writesBeyondItsScratch(sizes)) return undefined;
  try {
    const { units, packedBytes, pieces, scratchBytes } = workOf(abi, method, pass, sizes, imagesAtOnce);
    return scratchBytes <= MOST_SCRATCH_BYTES ? { units, packedBytes, pieces, scratchBytes } : undefined;
  } catch (error) {
    if (error instanceof OneDnnError) return undefined;
    throw error;
  } finally {
    abi.release();
  }
}
