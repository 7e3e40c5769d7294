// Runs test/engines/onednn once for each form of oneDNN's interface: version 2 as the system has it (`apt-get install libdnnl2
// ocl-icd-libopencl1`), version 3 as PyPI has it, installed into .cache/onednn on first use (55 MB). NETC_ONEDNN names one
// instead.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { addOn } from "../dist/runtime/engines/add-ons.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}.cache/onednn`;
const installed = `${folder}/lib/libdnnl.so.3`;

const named = process.env.NETC_ONEDNN;
if (!named && !existsSync(installed)) {
  for (const [command, ...args] of addOn("onednn", folder).commands) run(command, args); // as `netc engine add`
}
for (const file of named ? [named] : ["libdnnl.so.2", installed]) {
  process.stdout.write(`\noneDNN: ${file}\n`);
  const tests = ["vitest", "run", "--config", "test/engines/onednn/vitest.config.ts", ...process.argv.slice(2)];
  run("npx", tests, { NETC_ONEDNN: file });
}

function run(command, args, environment = {}) {
  const env = { ...process.env, ...environment };
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: "inherit" });
  if (error) process.stderr.write(`${command} cannot be run: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}
