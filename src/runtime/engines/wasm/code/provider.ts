// Machine code as a source of kernels: whether this machine lets code be made and run, for which instructions, and what it offers.
import type { InstructionSet } from "../../../../compiler/code/instruction-set.js";
import { DETECTION_WORDS, detected, detection, multipliesBfloat16 } from "../../../../compiler/code/detect.js";
import { roundsOf } from "../../../../compiler/code/norms/norm-works.js";
import { CODE_METHODS } from "../../../../compiler/code/works.js";
import { suiting } from "../../../../compiler/lower/convolutions/convolution-kernels.js";
import type { LibraryMethod } from "../../../../compiler/lower/convolutions/emit-library.js";
import { libraryConvolutions } from "../../../../compiler/lower/convolutions/emit-library.js";
import { libraryWinograd } from "../../../../compiler/lower/convolutions/emit-library-winograd.js";
import type { KernelProvider } from "../../../../compiler/lower/kernels/kernel-provider.js";
import { builtModule } from "../../../process/built-module.js";
import { UserError } from "../../../process/user-error.js";
import { hasKoffi, loadKoffi } from "../../native/load-koffi.js";
import { convolutionOf } from "../convolution-call.js";
import type { ProviderSource } from "../provider-source.js";
import { ExecutableMemory, machineHere, NoExecutableMemory } from "./executable-memory.js";

/** A name and a version that run folders record: the version goes up where the same kernel would round otherwise. */
const [ID, NAME, VERSION] = ["code", "code", "1"];

/** The method whose instructions not every processor of its set has, and that rounds otherwise. */
const BFLOAT16 = "bfloat16";

/** Nanoseconds a thousand multiply-adds, and a byte of activations, on one core of a Zen 4. */
const COSTS: Readonly<Record<string, LibraryMethod["cost"]>> = {
  winograd: { products: 7, bytes: 0.02 },
  direct: { products: 18, bytes: 0.01 },
  bfloat16: { products: 9, bytes: 0.01 },
  groups: { products: 20, bytes: 0.03 },
};

export const machineCode: ProviderSource = {
  name: NAME,
  wayBack: `run where machine code is allowed on x86-64 Linux with AVX2, and with AVX-512 BF16 for "${BFLOAT16}"`,
  environment: ["NETC_CODE"],
  async find({ config }) {
    const found = await instructionSet();
    if (!("set" in found)) return undefined;
    return codeKernels(found.set, found.multipliesBfloat16 && config.train.precision !== "float32");
  },
  async describe() {
    const found = await instructionSet();
    if (!("set" in found)) return `without machine code (${found.reason})`;
    return `machine code for ${SET_NAMES[found.set]}${found.multipliesBfloat16 ? " and its BF16" : ""}`;
  },
};

/** As their makers write them. */
export const SET_NAMES: Readonly<Record<InstructionSet, string>> = { avx512: "AVX-512", avx2: "AVX2" };

export function codeKernels(set: InstructionSet, bfloat16 = false): KernelProvider {
  const all = Object.entries(CODE_METHODS).map(([name, passes], number): LibraryMethod => ({
    name: `${NAME} ${VERSION} ${name}`,
    number,
    cost: COSTS[name]!,
    ...(name === "groups" ? { isGeneral: true, transposesGroups: true } : {}),
    skipsPadding: name === "direct",
    plan: (pass, sizes) => passes[pass]?.(set, sizes),
  }));
  const methods = all.filter(({ name }) => bfloat16 || !name.endsWith(` ${BFLOAT16}`));
  const [own, products] = [libraryConvolutions(ID, methods), libraryWinograd(ID, `${NAME} ${VERSION}`)];
  const kernels = {
    forward: [...own.forward, ...products.forward],
    "input gradient": [...own["input gradient"], ...products["input gradient"]],
    "weight gradient": [...own["weight gradient"], ...products["weight gradient"]],
  };
  return {
    id: ID,
    name: NAME,
    version: VERSION,
    methods: Object.keys(CODE_METHODS),
    candidates: (task) => suiting(kernels, task),
    fuses(call) {
      const { method, pass, sizes } = convolutionOf(call);
      const { input, output } = sizes.dtypes!;
      const isFloat = input === "float32" && output === "float32" && sizes.inLanes % 8 === 0;
      return isFloat ? Object.values(CODE_METHODS)[method]?.[pass]?.(set, sizes)?.imagesAtOnce : undefined;
    },
    take: ({ kernel, operands }) => roundsOf(set, kernel, operands)?.map(({ units }) => units),
    thread: { module: builtModule("runtime/engines/wasm/code/thread").href, setup: set },
  };
}

type Found = { readonly set: InstructionSet; readonly multipliesBfloat16: boolean } | { readonly reason: string };

let here: Promise<Found> | undefined;

/** The widest set of instructions that code can be made for here, or why none. */
export function instructionSet(): Promise<Found> {
  return (here ??= detect());
}

/** `NETC_CODE=off` turns machine code off, `NETC_CODE=avx2` keeps to AVX2. */
async function detect(): Promise<Found> {
  const wanted = process.env["NETC_CODE"];
  if (wanted === "off") return { reason: "NETC_CODE is off" };
  try {
    const machine = machineHere();
    if (!hasKoffi()) return { reason: "koffi is not installed" };
    const executable = new ExecutableMemory(await loadKoffi(), machine);
    const words = new BigUint64Array(DETECTION_WORDS);
    executable.kernelAt(executable.make(detection()))(executable.addressOf(words), 0, 0, 0, 0, 0);
    const set = detected(words);
    if (!set) return { reason: "the processor has no AVX2" };
    if (wanted === "avx2") return { set: "avx2", multipliesBfloat16: false };
    return { set, multipliesBfloat16: multipliesBfloat16(words) };
  } catch (error) {
    if (error instanceof NoExecutableMemory || error instanceof UserError) return { reason: error.message };
    throw error;
  }
}
