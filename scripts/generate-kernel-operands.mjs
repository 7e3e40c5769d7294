// Writes the accessors through which the WebAssembly kernels read a call's operands, from the compiler's table.
import { mkdirSync, writeFileSync } from "node:fs";
import { kernelNames, kernels } from "../dist/compiler/lower/kernels.js";

const types = { integer: "i32", float: "f32" };
const namespaces = kernelNames.map((name, id) => {
  const title = name.replace(/(^|_)([a-z])/g, (_, __, letter) => letter.toUpperCase());
  const accessors = Object.entries(kernels[name]).map(([operand, access], index) => {
    const type = types[access] ?? "usize";
    return `  // @ts-ignore: decorator\n  @inline export function ${operand}(call: usize): ${type} { return load<${type}>(call, ${index * 4}); }`;
  });
  return `export namespace ${title} {\n  export const ID: i32 = ${id};\n${accessors.join("\n")}\n}`;
});
const folder = new URL("../src/runtime/engines/wasm/assembly/generated/", import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(
  new URL("operands.ts", folder),
  `// Generated from src/compiler/lower/kernels.ts by scripts/generate-kernel-operands.mjs.\n\n${namespaces.join("\n\n")}\n`,
);
