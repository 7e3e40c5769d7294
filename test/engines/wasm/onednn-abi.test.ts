// oneDNN's interface over a library that is not all there; test/engines/onednn has the real ones.
import { expect, it } from "vitest";
import { FUNCTIONS } from "../../../src/runtime/engines/wasm/onednn/abi-functions.js";
import { Abi, OneDnnError } from "../../../src/runtime/engines/wasm/onednn/abi.js";
import type { Koffi } from "../../../src/runtime/engines/native/load-koffi.js";

/** Loads a library of that version that answers success to everything, and has all functions but one. */
function koffiWith(version: readonly number[], missing?: string): Koffi {
  const library = {
    func(name: string) {
      if (name === missing) throw new Error(`Cannot find function '${name}' in shared library`);
      return () => 0;
    },
  };
  return { load: () => library, decode: () => version } as unknown as Koffi;
}

const VERSIONS = [
  { version: [2, 6, 3], own: FUNCTIONS.old },
  { version: [3, 2, 0], own: FUNCTIONS.current },
] as const;

it.each(VERSIONS)("refuses a library of version $version at once where any function is missing", ({ version, own }) => {
  for (const name of [...FUNCTIONS.both, ...own].map((one) => `dnnl_${one}`)) {
    const open = () => new Abi(koffiWith(version, name), "libdnnl.so");
    expect(open).toThrow(new OneDnnError(`Cannot find function '${name}' in shared library`));
  }
});

it.each(VERSIONS)(
  "opens one of version $version without products of bfloat16, and misses them when asked",
  ({ version }) => {
    const abi = new Abi(koffiWith(version, "dnnl_gemm_bf16bf16f32"), "libdnnl.so");
    expect(abi.version).toBe(version.join("."));
    expect(() => abi.productOf("bfloat16")).toThrow(new OneDnnError("it has no product of bfloat16 matrices"));
    expect(abi.productOf("float32")).toBeInstanceOf(Function);
  },
);
