// The compiler under 20,000 mutants of the shipped files, with a seed of its own each time, which vitest names in the
// test's title: `npm run fuzz -- SEED` runs one again, `npm run fuzz -- SEED MUTANTS` fewer or more of them.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const [seed = String(Math.floor(Math.random() * 2 ** 31)), mutants = "20000"] = process.argv.slice(2);
const { status } = spawnSync("npx", ["vitest", "run", "test/compiler/fuzz.test.ts"], {
  cwd: fileURLToPath(new URL("..", import.meta.url)),
  env: { ...process.env, FUZZ_SEED: seed, FUZZ_MUTANTS: mutants },
  stdio: "inherit",
  shell: process.platform === "win32",
});
process.exitCode = status ?? 1;
