// What netc is measured beside: each peer that this machine has, as the command of its side; the others by name, with how
// to get them.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const peersFolder = fileURLToPath(new URL("peers/", import.meta.url));
const run = promisify(execFile);
export const NO_MODULE = "not installed in the folder that NETC_BENCH_MODULES names";

export const INSTALL = {
  debian: "apt-get install python3-torch (Debian's, light), used as /usr/bin/python3",
  pypi:
    "python3 -m venv FOLDER && FOLDER/bin/pip install torch (several GB), then NETC_BENCH_PYTHON=FOLDER/bin/python; " +
    "torch.compile needs a C++ compiler as well",
  node: (name) => `npm install --prefix FOLDER ${name}, then NETC_BENCH_MODULES=FOLDER`,
};

/** { sides: [{ name, command, args }], skipped: [{ name, reason, install }] } for a workload. */
export async function peersFor(workload, { threads, warmup, bfloat16 }) {
  const found = await pythons();
  const sides = [];
  const skipped = [...found.skipped];
  for (const { python, version, compiles } of found.available) {
    for (const variant of variantsOf(workload.mode, compiles)) {
      for (const isBfloat16 of bfloat16 ? [false, true] : [false]) {
        const { network, mode, batchSize, sgd } = workload;
        const options = { network, mode, batchSize, sgd, threads, warmup, variant, bfloat16: isBfloat16 };
        sides.push({
          name: `PyTorch ${version} ${variant}${isBfloat16 ? " bfloat16" : ""}`,
          command: python,
          args: [join(peersFolder, "torch_train.py"), JSON.stringify(options)],
          precision: isBfloat16 ? "bfloat16" : "float32",
        });
      }
    }
  }
  if (workload.comparesOnnxruntime) add(await onnxruntime(workload, found.available[0]?.python, { threads, warmup }));
  if (workload.comparesTfjs) add(tfjsNode(workload, { warmup }));
  return { sides, skipped };

  function add({ side, skip }) {
    if (side) sides.push(side);
    else skipped.push(skip);
  }
}

function variantsOf(mode, compiles) {
  return ["eager", ...(mode === "evaluate" ? ["frozen"] : []), ...(compiles ? ["compile"] : [])];
}

async function pythons() {
  const candidates = [
    { name: "PyTorch (Debian)", python: "/usr/bin/python3", install: INSTALL.debian },
    { name: "PyTorch (PyPI)", python: process.env.NETC_BENCH_PYTHON, install: INSTALL.pypi },
  ];
  const available = [];
  const skipped = [];
  for (const { name, python, install } of candidates) {
    if (!python) {
      skipped.push({ name, reason: "NETC_BENCH_PYTHON is not set", install });
      continue;
    }
    try {
      const script = "import torch, json; print(json.dumps([torch.__version__, hasattr(torch, 'compile')]))";
      const { stdout } = await run(python, ["-c", script]);
      const [version, compiles] = JSON.parse(stdout);
      available.push({ python, version, compiles });
    } catch {
      skipped.push({ name, reason: `${python} has no torch`, install });
    }
  }
  return { available, skipped };
}

async function onnxruntime({ network, batchSize, imageSide }, python, { threads, warmup }) {
  const name = "onnxruntime-node";
  const modules = moduleFolder(name);
  const skip = (reason) => ({ skip: { name, reason, install: INSTALL.node(name) } });
  if (!modules) return skip(NO_MODULE);
  if (!python) return skip("its network is exported by PyTorch, and there is none");
  const model = join(mkdtempSync(join(tmpdir(), "netc-bench-")), "network.onnx");
  try {
    await run(python, [join(peersFolder, "torch_export.py"), network, String(batchSize), model]);
  } catch (error) {
    return skip(`the network could not be exported: ${error.stderr?.trim().split("\n").at(-1) ?? error.message}`);
  }
  const options = { modules, model, side: imageSide, batchSize, threads, warmup };
  return { side: nodeSide(`onnxruntime-node ${versionOf(modules, name)}`, "onnxruntime-side.mjs", options) };
}

function tfjsNode({ file, set, sgd }, { warmup }) {
  const name = "@tensorflow/tfjs-node";
  const modules = moduleFolder(name);
  if (!modules) return { skip: { name: "tfjs-node", reason: NO_MODULE, install: INSTALL.node(name) } };
  const options = { modules, name, file, set, warmup, momentum: sgd.momentum };
  return { side: nodeSide(`stock tf.layers on tfjs-node ${versionOf(modules, name)}`, "tfjs-side.mjs", options) };
}

function nodeSide(name, script, options) {
  const args = [join(peersFolder, script), JSON.stringify(options)];
  return { name, command: process.execPath, args, precision: "float32" };
}

/** What createRequire takes to find a package that is installed for the benchmark; undefined where it is not. */
export function moduleFolder(name) {
  if (!process.env.NETC_BENCH_MODULES) return undefined;
  const folder = resolve(process.env.NETC_BENCH_MODULES);
  return existsSync(join(folder, "node_modules", name, "package.json")) ? join(folder, "package.json") : undefined;
}

export function versionOf(modules, name) {
  return createRequire(modules)(`${name}/package.json`).version;
}
