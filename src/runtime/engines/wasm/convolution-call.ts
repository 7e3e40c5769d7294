// A convolution's call that goes to a provider, read back: which pass it is, over which sizes, at which addresses.
import { ZEROS } from "../../../compiler/lower/kernels/kernel-constants.js";
import type { KernelCall } from "../../../compiler/lower/kernels/kernel-calls.js";
import { spanOf } from "../../../compiler/network/graph.js";
import type { ProvidedCall } from "../../../compiler/lower/kernels/kernel-provider.js";
import type { ConvolutionSizes } from "../../../compiler/lower/convolutions/convolution-plan.js";
import type { ConvolutionPass } from "../../../compiler/lower/convolutions/convolution-task.js";
import type { Dtype } from "../../../compiler/lower/placement/layout.js";
import { elementBytes } from "../../../compiler/lower/placement/layout.js";

/** Addresses of whole tensors in the heap; those that a pass does not have are those of zeros. */
export interface WorkAddresses {
  /** The map before the convolution, or its gradient. */
  readonly input: number;
  /** The map behind it, or its gradient. */
  readonly output: number;
  readonly weights: number;
  readonly bias: number;
  readonly packed: number;
  readonly weightGradient: number;
  readonly partials: number;
  readonly hasBias: boolean;
  /** Whether an input's gradient is added to what is there. */
  readonly adds: boolean;
}

type Round = "pack" | "multiply" | "unpack";

/** The rounds are as emit-library.ts has their units. */
const CALLS = {
  library_convolution: { pass: "forward", rounds: ["pack", "multiply"] },
  library_input_gradient: { pass: "input gradient", rounds: ["pack", "multiply"] },
  library_weight_gradient: { pass: "weight gradient", rounds: ["multiply", "unpack"] },
} as const satisfies Readonly<Record<string, { pass: ConvolutionPass; rounds: readonly Round[] }>>;

/** What a call computes, wherever that lies. */
export interface CalledConvolution {
  readonly pass: ConvolutionPass;
  readonly rounds: readonly Round[];
  readonly sizes: ConvolutionSizes;
  /** The provider's number of the method, and the images that a unit of it was planned for. */
  readonly method: number;
  readonly imagesAtOnce: number;
}

export interface ConvolutionCall extends CalledConvolution {
  readonly addresses: WorkAddresses;
  /** Of this thread. */
  readonly scratch: number;
}

export function isConvolution({ kernel }: ProvidedCall): boolean {
  return kernel in CALLS;
}

export function convolutionOf({ kernel, operands }: Pick<KernelCall, "kernel" | "operands">): CalledConvolution {
  const of = (name: string): number => Number(operands[name]);
  const { pass, rounds } = CALLS[kernel as keyof typeof CALLS];
  return { pass, rounds, sizes: sizesOf(of), method: of("method"), imagesAtOnce: of("imagesAtOnce") };
}

/** `base` is the address of the heap. */
export function readConvolution({ kernel, operands }: ProvidedCall, base: number, thread: number): ConvolutionCall {
  const of = (name: string): number => operands[name]!;
  const at = (name: string): number => base + ((operands[name] ?? 0) >>> 0 || ZEROS);
  const isForward = kernel !== "library_input_gradient";
  return {
    ...convolutionOf({ kernel, operands }),
    addresses: {
      input: at(isForward ? "input" : "inputGradient"),
      output: at(kernel === "library_convolution" ? "output" : "outputGradient"),
      weights: at("weights"),
      bias: at("bias"),
      packed: at("packed"),
      weightGradient: at("weightGradient"),
      partials: at("partials"),
      hasBias: (operands["bias"] ?? 0) !== 0,
      adds: operands["accumulate"] === 1,
    },
    scratch: at("scratch") + of("scratchStride") * thread,
  };
}

function sizesOf(of: (name: string) => number): ConvolutionSizes {
  const [height, width, outHeight, outWidth] = [of("height"), of("width"), of("outHeight"), of("outWidth")];
  const kernel = [of("kernelHeight"), of("kernelWidth")] as const;
  const stride = [of("strideHeight"), of("strideWidth")] as const;
  const [top, left] = [of("paddingTop"), of("paddingLeft")];
  const [dilation, groups] = [[of("dilationHeight"), of("dilationWidth")] as const, of("groups")];
  const span = spanOf({ kernel, stride, dilation, padding: { top, left, bottom: 0, right: 0 } });
  // Where the window's last place ends follows from the sizes of the maps
  const behind = (side: 0 | 1, input: number, output: number, before: number): number =>
    Math.max(0, (output - 1) * stride[side] + span[side] - before - input);
  const inGroups = { count: groups, inputs: of("groupInputs"), outputs: of("groupOutputs") };
  return {
    ...(dilation[0] * dilation[1] > 1 ? { dilation } : {}),
    ...(groups > 0 ? { groups: inGroups } : {}),
    images: of("images"),
    height,
    width,
    inLanes: of("inLanes"),
    outHeight,
    outWidth,
    outLanes: of("outLanes"),
    kernel,
    stride,
    padding: { top, left, bottom: behind(0, height, outHeight, top), right: behind(1, width, outWidth, left) },
    dtypes: { input: dtypeOf(of("inputElementBytes")), output: dtypeOf(of("outputElementBytes")) },
  };
}

function dtypeOf(bytes: number): Dtype {
  return bytes === elementBytes.bfloat16 ? "bfloat16" : "float32";
}
