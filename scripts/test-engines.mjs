// Runs test/engines/optional: the engines whose libraries netc does not bring. What an environment variable does not name is
// installed into .cache/engines on first use: TensorFlow's wheel (1.6 GB) by pip, and tfjs-node's JavaScript (300 MB) and Dawn
// with the WebGPU backend (250 MB) by npm.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

const TENSORFLOW = "tensorflow-cpu==2.21.0";
const TFJS_NODE = "@tensorflow/tfjs-node@4.22.0";
const WEBGPU = [
  "webgpu@0.6.2",
  "@tensorflow/tfjs-backend-webgpu@4.22.0",
  "@tensorflow/tfjs-core@4.22.0",
  "@tensorflow/tfjs-layers@4.22.0",
];

const root = fileURLToPath(new URL("..", import.meta.url));

const environment = { ...process.env };
environment.NETC_TENSORFLOW ??= installed("tensorflow", (folder) => {
  run("python3", ["-m", "venv", folder]);
  run(`${folder}/bin/pip`, ["install", "--quiet", "--disable-pip-version-check", TENSORFLOW]);
});
environment.NETC_TFJS_NODE ??= installed("tfjs-node", (folder) => {
  writeFileSync(`${folder}/package.json`, `${JSON.stringify({ private: true })}\n`);
  // Its scripts would fetch an addon that newer versions of Node cannot load
  run("npm", ["install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", TFJS_NODE]);
});
environment.NETC_WEBGPU ??= installed("webgpu", (folder) => {
  writeFileSync(`${folder}/package.json`, `${JSON.stringify({ private: true })}\n`);
  run("npm", ["install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", ...WEBGPU]);
});
// WebGPU's adapter where there is no GPU: the software renderer that Debian's chromium-common brings
environment.VK_DRIVER_FILES ??= "/usr/lib/chromium/vk_swiftshader_icd.json";
environment.XDG_RUNTIME_DIR ??= tmpdir();
run("npx", ["vitest", "run", "--config", "test/engines/optional/vitest.config.ts", ...process.argv.slice(2)]);

function installed(name, install) {
  const folder = `${root}.cache/engines/${name}`;
  if (!existsSync(`${folder}/installed`)) {
    mkdirSync(folder, { recursive: true });
    install(folder);
    writeFileSync(`${folder}/installed`, "");
  }
  return folder;
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, env: environment, stdio: "inherit" });
  if (error) process.stderr.write(`${command} cannot be run: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}
