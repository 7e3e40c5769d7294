// Compiles the AssemblyScript kernels twice, with and without fused multiply-add, after generating their accessors.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

await import("./generate-kernel-operands.mjs");

const root = fileURLToPath(new URL("..", import.meta.url));
const source = "src/runtime/engines/wasm/assembly/index.ts";
const memory = ["--importMemory", "--sharedMemory", "--initialMemory", "1", "--maximumMemory", "65536"];
const common = ["-O3", "--noAssert", "--runtime", "stub", ...memory, "--memoryBase", "4096"];

const builds = [
  { file: "kernels.wasm", features: ["simd", "threads"] },
  { file: "kernels-relaxed.wasm", features: ["simd", "threads", "relaxed-simd"] },
];
for (const { file, features } of builds) {
  const enable = features.flatMap((feature) => ["--enable", feature]);
  const output = ["-o", `dist/runtime/engines/wasm/${file}`];
  const asc = "node_modules/assemblyscript/bin/asc.js";
  const { status } = spawnSync(process.execPath, [asc, source, ...output, ...common, ...enable], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}
