// Runs test/engines/optional: the engines whose libraries netc does not bring. What an environment variable does not name is
// installed into .cache/engines on first use: TensorFlow's wheel (1.6 GB) by pip, and tfjs-node's JavaScript (300 MB) and Dawn
// with the WebGPU backend (250 MB) by npm.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { addOn } from "../dist/runtime/engines/add-ons.js";

const root = fileURLToPath(new URL("..", import.meta.url));

const environment = { ...process.env };
environment.NETC_TENSORFLOW ??= installed("tensorflow");
environment.NETC_TFJS_NODE ??= installed("tfjs-node");
environment.NETC_WEBGPU ??= installed("webgpu");
// WebGPU's adapter where there is no GPU: the software renderer that Debian's chromium-common brings
environment.VK_DRIVER_FILES ??= "/usr/lib/chromium/vk_swiftshader_icd.json";
environment.XDG_RUNTIME_DIR ??= tmpdir();
run("npx", ["vitest", "run", "--config", "test/engines/optional/vitest.config.ts", ...process.argv.slice(2)]);

/** By the commands of `netc engine add`. */
function installed(name) {
  const folder = `${root}.cache/engines/${name}`;
  if (!existsSync(`${folder}/installed`)) {
    mkdirSync(folder, { recursive: true });
    for (const [command, ...args] of addOn(name, folder).commands) run(command, args);
    writeFileSync(`${folder}/installed`, "");
  }
  return folder;
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, env: environment, stdio: "inherit" });
  if (error) process.stderr.write(`${command} cannot be run: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}
