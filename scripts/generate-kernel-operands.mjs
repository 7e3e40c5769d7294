// Writes what the WebAssembly kernels take from the compiler's table: the accessors through which they read a call's operands, the
// dispatch of calls to their functions, constants, and the code of every activation.
import { mkdirSync, writeFileSync } from "node:fs";
import { activationKinds, activations } from "../dist/compiler/network/activations.js";
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

/** Arithmetic that writes lines; equal expressions are written once. */
function writer(lines) {
  const known = new Map();
  const line = (expression) => {
    if (!known.has(expression)) {
      known.set(expression, `v${known.size}`);
      lines.push(`const ${known.get(expression)} = ${expression};`);
    }
    return known.get(expression);
  };
  return {
    relu: (x) => line(`parts.relu(${x})`),
    relu6: (x) => line(`parts.relu6(${x})`),
    leakyRelu: (x, slope) => line(`parts.leakyRelu(${x}, ${slope})`),
    leakySlope: (x, slope) => line(`parts.leakySlope(${x}, ${slope})`),
    sigmoid: (x) => line(`parts.sigmoid(${x})`),
    hardSigmoid: (x) => line(`parts.hardSigmoid(${x})`),
    normalShare: (x) => line(`parts.normalShare(${x}, ${line(`parts.gaussian(${x})`)})`),
    normalDensity: (x) => line(`parts.normalDensity(${line(`parts.gaussian(${x})`)})`),
    within: (x, low, high) => line(`parts.within(${x}, splat(${low}), splat(${high}))`),
    multiply: (a, b) => line(`f32x4.mul(${a}, ${b})`),
    multiplyAdd: (a, b, c) => line(`fma(${a}, ${b}, ${c})`),
    line: (x, factor, term) =>
      line(term === 0 ? `f32x4.mul(${x}, splat(${factor}))` : `fma(${x}, splat(${factor}), splat(${term}))`),
  };
}

const activationClasses = activationKinds.map((kind) => {
  const method = (name) => {
    const lines = [];
    const result = activations[kind][name](writer(lines), "x", "setting");
    return `  @inline ${name}(x: v128, setting: v128): v128 {\n${lines.map((line) => `    ${line}\n`).join("")}    return ${result};\n  }`;
  };
  const keepsZero = `  @inline keepsZero(): bool { return ${activations[kind].keepsZero}; }`;
  return `@unmanaged\nclass ${titleOf(kind)} {\n${method("value")}\n${method("slope")}\n${keepsZero}\n}`;
});

/** Functions over maps that have code of their own for every activation, with their parameters. */
const throughActivations = [
  ["pointwise", "pointwiseThrough", "call: usize"],
  ["pointwise", "gradientThrough", "call: usize"],
  [
    "batch-norm",
    "applyThrough",
    "x: usize, residual: usize, y: usize, pixels: i32, lanes: i32, factors: usize, terms: usize, setting: f32, outerRelu: i32, channels: i32",
  ],
  ["batch-norm", "sumsThrough", "call: usize"],
  ["frozen-norm", "frozenThrough", "call: usize"],
];
const activationDispatch = throughActivations.map(([, name, parameters]) => {
  const values = parameters.replaceAll(/: \w+/g, "");
  const kinds = activationKinds.filter((kind) => kind !== "relu"); // which the kernels have by a bound and a mask
  const lines = kinds.map((kind) => `    case ${kind.toUpperCase()}: ${name}<T, ${titleOf(kind)}>(${values}); break;`);
  return `export function ${name}Activation<T>(inner: i32, ${parameters}): void {
  switch (inner) {
${lines.join("\n")}
    default: unreachable();
  }
}`;
});
const activationsText = `import { ${activationKinds
  .filter((kind) => kind !== "relu")
  .map((kind) => kind.toUpperCase())
  .join(", ")} } from "./constants";
${[...new Set(throughActivations.map(([module]) => module))]
  .map(
    (module) =>
      `import { ${throughActivations
        .filter(([other]) => other === module)
        .map(([, name]) => name)
        .join(", ")} } from "../maps/${module}";`,
  )
  .join("\n")}
import * as parts from "../maps/activation-parts";
import { fma, splat } from "../simd";

${[...activationClasses, ...activationDispatch].join("\n\n")}`;

const folder = new URL("../src/runtime/engines/wasm/assembly/generated/", import.meta.url);
mkdirSync(folder, { recursive: true });
write("operands.ts", "kernels.ts", [`export const PROVIDED: i32 = ${PROVIDED};`, ...namespaces].join("\n\n"));
write("dispatch.ts", "kernels.ts", dispatch);
write("constants.ts", "kernel-constants.ts", constants.join("\n"));
write("activations.ts", "../../network/activations.ts", activationsText);

function titleOf(name) {
  return name.replace(/(^|_)([a-z])/g, (_, __, letter) => letter.toUpperCase());
}

function write(name, source, text) {
  const origin = `// Generated from ${new URL(source, "file:///src/compiler/lower/kernels/").pathname.slice(1)} by scripts/generate-kernel-operands.mjs.`;
  writeFileSync(new URL(name, folder), `${origin}\n\n${text}\n`);
}
