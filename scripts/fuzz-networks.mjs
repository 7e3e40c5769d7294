// Random networks and recipes against TensorFlow.js, and stopped and resumed against themselves, with a seed of its own each
// time: `npm run fuzz:networks -- SEED COUNT` takes those from SEED on. Each is named by its number.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const [seed = String(Math.floor(Math.random() * 1e6)), count = "200"] = process.argv.slice(2);
const files = ["test/engines/wasm/random-networks.test.ts", "test/runtime/random-resume.test.ts"];
const { status } = spawnSync("npx", ["vitest", "run", ...files], {
  cwd: fileURLToPath(new URL("..", import.meta.url)),
  env: { ...process.env, FUZZ_SEED: seed, FUZZ_NETWORKS: count },
  stdio: "inherit",
  shell: process.platform === "win32",
});
process.exitCode = status ?? 1;
