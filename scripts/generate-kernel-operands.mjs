// Writes what the WebAssembly kernels share with the compiler: the accessors through which they read a call's operands, from the
// compiler's table, and constants.
import { mkdirSync, writeFileSync } from "node:fs";
import { constantsOfKernels } from "../dist/compiler/lower/kernels/kernel-constants.js";
import { PROVIDED, kernelNames, kernels } from "../dist/compiler/lower/kernels/kernels.js";

const types = { integer: "i32", float: "f32" };
const namespaces = kernelNames.map((name, id) => {
  const title = name.replace(/(^|_)([a-z])/g, (_, __, letter) => letter.toUpperCase());
  const accessors = Object.entries(kernels[name]).map(([operand, access], index) => {
    const type = types[access] ?? "usize";
    return `  // @ts-ignore: decorator\n  @inline export function ${operand}(call: usize): ${type} { return load<${type}>(call, ${index * 4}); }`;
  });
  return `export namespace ${title} {\n  export const ID: i32 = ${id};\n${accessors.join("\n")}\n}`;
});
const constants = Object.entries(constantsOfKernels).flatMap(([type, values]) =>
  Object.entries(values).map(([name, value]) => `export const ${name}: ${type} = ${value};`),
);

const folder = new URL("../src/runtime/engines/wasm/assembly/generated/", import.meta.url);
mkdirSync(folder, { recursive: true });
write("operands.ts", "kernels.ts", [`export const PROVIDED: i32 = ${PROVIDED};`, ...namespaces].join("\n\n"));
write("constants.ts", "kernel-constants.ts", constants.join("\n"));

function write(name, source, text) {
  const origin = `// Generated from src/compiler/lower/kernels/${source} by scripts/generate-kernel-operands.mjs.`;
  writeFileSync(new URL(name, folder), `${origin}\n\n${text}\n`);
}
