// Tests over more cases than `npm test` has, with a seed of its own each time: `npm run fuzz -- SEED COUNT` puts mutants of the
// shipped files through the compiler, `npm run fuzz:networks -- SEED COUNT` holds random networks and recipes against TensorFlow.js
// and, stopped and resumed, against themselves, `npm run fuzz:code -- SEED COUNT` puts random sizes of convolutions and norms
// through machine code and float64, `npm run fuzz:weights -- SEED COUNT` has mutated files of weights read. Tests name what they
// run, so that SEED runs it again.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const kinds = {
  mutants: { files: ["test/compiler/fuzz.test.ts"], variable: "FUZZ_MUTANTS", usual: 20_000 },
  code: {
    files: ["test/compiler/code/works.test.ts", "test/compiler/code/norms.test.ts"],
    variable: "CODE_SHAPES",
    usual: 2000,
  },
  weights: { files: ["test/runtime/weights/fuzz-weights.test.ts"], variable: "FUZZ_WEIGHTS", usual: 10_000 },
  networks: {
    files: ["test/engines/wasm/random-networks.test.ts", "test/runtime/random-resume.test.ts"],
    variable: "FUZZ_NETWORKS",
    usual: 200,
  },
};
const [kind, seed = String(Math.floor(Math.random() * 2 ** 31)), count] = process.argv.slice(2);
const { files, variable, usual } = kinds[kind];
const { status } = spawnSync("npx", ["vitest", "run", ...files], {
  cwd: fileURLToPath(new URL("..", import.meta.url)),
  env: { ...process.env, FUZZ_SEED: seed, [variable]: count ?? String(usual) },
  stdio: "inherit",
  shell: process.platform === "win32",
});
process.exitCode = status ?? 1;
