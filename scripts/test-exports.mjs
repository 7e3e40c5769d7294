// Runs test/exports: what netc exports, opened by the programs that it is for. They are not worth having in every install, so
// Python's and Node's packages are put into .cache/exports on first use (about 560 MB). Debian's packages have to be there:
//   apt-get install python3-torch python3-numpy python3-pil python3-yaml python3-venv shellcheck chromium
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// PyTorch is Debian's, built for its NumPy: what joins it must not bring another
const BESIDE_TORCH = ["safetensors==0.8.0"];
const TOOLS = [
  "kubeflow-trainer-api==2.3.0",
  "mypy==2.4.1",
  "numpy==2.4.6",
  "onnx==1.23.2",
  "onnxruntime==1.32.0",
  "pillow==13.0.0",
  "pyyaml==6.0.4",
  "ruff==0.17.6",
];
const NODE_PACKAGES = ["@hpcc-js/wasm-graphviz@1.29.2", "mermaid@11.17.2", "onnxruntime-node@1.30.0"];

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = process.env["NETC_EXPORTS_PEERS"] ?? `${root}.cache/exports`;
const python = process.env["NETC_TORCH_PYTHON"] ?? "/usr/bin/python3";

if (!succeeds(python, ["-c", "import torch, numpy, PIL, yaml"])) {
  fail(`${python} lacks torch, numpy, PIL or yaml: install python3-torch, python3-pil and python3-yaml, or name another
Python by NETC_TORCH_PYTHON`);
}
for (const program of ["shellcheck", process.env["NETC_CHROMIUM"] ?? "chromium"]) {
  if (!succeeds(program, ["--version"])) fail(`${program} is not there: install shellcheck and chromium`);
}

mkdirSync(folder, { recursive: true });
environment("torch", BESIDE_TORCH, ["--system-site-packages"]);
environment("tools", TOOLS);
if (!NODE_PACKAGES.every((name) => existsSync(`${folder}/node_modules/${name.replace(/@[^@]*$/, "")}/package.json`))) {
  writeFileSync(`${folder}/package.json`, `${JSON.stringify({ private: true })}\n`);
  // Its install script only fetches what GPUs need
  run("npm", ["install", ...NODE_PACKAGES, "--ignore-scripts", "--no-audit", "--no-fund"], folder);
}
run("npx", ["vitest", "run", "--config", "test/exports/vitest.config.ts", ...process.argv.slice(2)], root);

function environment(name, packages, options = []) {
  const place = `${folder}/${name}`;
  const done = `${place}/${packages.join("+").replaceAll("/", "-").slice(0, 200)}.done`;
  if (existsSync(done)) return;
  run(python, ["-m", "venv", "--clear", ...options, place], root);
  run(`${place}/bin/pip`, ["install", "--quiet", "--disable-pip-version-check", ...packages], root);
  writeFileSync(done, "");
}

function run(command, args, cwd) {
  const env = { ...process.env, NETC_EXPORTS_PEERS: folder };
  const { status } = spawnSync(command, args, {
    cwd,
    env,
    stdio: "inherit",
    shell: process.platform === "win32" && command === "npx",
  });
  if (status !== 0) process.exit(status ?? 1);
}

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
