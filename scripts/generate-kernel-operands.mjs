// Writes what the WebAssembly kernels take from the compiler's table: the accessors through which they read a call's operands, the
// dispatch of calls to their functions, and constants.
import { mkdirSync, writeFileSync } from "node:fs";
import { constantsOfKernels } from "../dist/compiler/lower/kernels/kernel-constants.js";
import { PROVIDED, kernelNames, rowOf } from "../dist/compiler/lower/kernels/kernels.js";

const types = { integer: "i32", float: "f32" };
const namespaces = kernelNames.map((name, id) => {
  const accessors = Object.entries(rowOf(name).operands).map(([operand, access], index) => {
    const type = types[access] ?? "usize";
    return `  // @ts-ignore: decorator\n  @inline export function ${operand}(call: usize): ${type} { return load<${type}>(call, ${index * 4}); }`;
  });
  return `export namespace ${titleOf(name)} {\n  export const ID: i32 = ${id};\n${accessors.join("\n")}\n}`;
});

const functions = new Map(); // by their module
const cases = kernelNames.flatMap((name) => {
  const { run } = rowOf(name);
  if (!run) return [];
  const [module, call] = run;
  functions.set(module, (functions.get(module) ?? new Set()).add(/^\w+/.exec(call)[0]));
  return `    case operands.${titleOf(name)}.ID: ${call}; break;`;
});
const imports = [...functions].map(([module, names]) => `import { ${[...names].join(", ")} } from "../${module}";`);
const dispatch = `import * as operands from "./operands";
${imports.join("\n")}

/** Runs a call of \`kernel\` whose operands lie at \`call\`, on one of \`threads\` threads. */
export function runKernel(kernel: i32, call: usize, thread: i32, threads: i32): void {
  switch (kernel) {
${cases.join("\n")}
    default: unreachable();
  }
}`;

const constants = Object.entries(constantsOfKernels).flatMap(([type, values]) =>
  Object.entries(values).map(([name, value]) => `export const ${name}: ${type} = ${value};`),
);

const folder = new URL("../src/runtime/engines/wasm/assembly/generated/", import.meta.url);
mkdirSync(folder, { recursive: true });
write("operands.ts", "kernels.ts", [`export const PROVIDED: i32 = ${PROVIDED};`, ...namespaces].join("\n\n"));
write("dispatch.ts", "kernels.ts", dispatch);
write("constants.ts", "kernel-constants.ts", constants.join("\n"));

function titleOf(name) {
  return name.replace(/(^|_)([a-z])/g, (_, __, letter) => letter.toUpperCase());
}

function write(name, source, text) {
  const origin = `// Generated from src/compiler/lower/kernels/${source} by scripts/generate-kernel-operands.mjs.`;
  writeFileSync(new URL(name, folder), `${origin}\n\n${text}\n`);
}
