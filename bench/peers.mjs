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
  openvino: "FOLDER/bin/pip install openvino, then NETC_BENCH_PYTHON=FOLDER/bin/python",
  node: (name) => `npm install --prefix FOLDER ${name}, then NETC_BENCH_MODULES=FOLDER`,
};

/** What keeps PyTorch, oneDNN inside it, and OpenVINO to AVX2. */
const AVX2 = { ATEN_CPU_CAPABILITY: "avx2", ONEDNN_MAX_CPU_ISA: "AVX2", DNNL_MAX_CPU_ISA: "AVX2" };

/** { sides: [{ name, command, args }], skipped: [{ name, reason, install }] } for a workload. */
export async function peersFor(workload, { threads, warmup, bfloat16, avx2 }) {
  const found = await pythons();
  const sides = [];
  const skipped = [...found.skipped];
  for (const { python, version, ...has } of found.available) {
    for (const variant of variantsOf(workload.mode, has)) {
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
  if (workload.comparesInference) {
    const model = await exported(workload, found.available[0]?.python);
    add(onnxruntime(workload, model, { threads, warmup, avx2 }));
    add(await openvino(workload, model, { threads, warmup }));
  }
  if (workload.comparesTfjs) add(tfjsNode(workload, { warmup }));
  return { sides: sides.map((side) => (avx2 ? { ...side, environment: AVX2 } : side)), skipped };

  function add({ side, skip }) {
    if (side) sides.push(side);
    else skipped.push(skip);
  }
}

function variantsOf(mode, { compiles, isExtended }) {
  return [
    "eager",
    ...(mode === "evaluate" ? ["frozen"] : []),
    ...(compiles ? ["compile"] : []),
    ...(isExtended ? ["Intel's extension"] : []),
  ];
}

/** Those that NETC_BENCH_PYTHON names, separated by colons. */
function namedPythons() {
  return process.env.NETC_BENCH_PYTHON?.split(":").filter((python) => python !== "") ?? [undefined];
}

async function pythons() {
  const candidates = [
    { name: "PyTorch (Debian)", python: "/usr/bin/python3", install: INSTALL.debian },
    ...namedPythons().map((python) => ({ name: "PyTorch (PyPI)", python, install: INSTALL.pypi })),
  ];
  const available = [];
  const skipped = [];
  for (const { name, python, install } of candidates) {
    if (!python) {
      skipped.push({ name, reason: "NETC_BENCH_PYTHON is not set", install });
      continue;
    }
    try {
      const script =
        "import torch, json, importlib.util as u; found = u.find_spec('intel_extension_for_pytorch') is not None; " +
        "print(json.dumps([torch.__version__, hasattr(torch, 'compile'), found]))";
      const { stdout } = await run(python, ["-c", script]);
      const [version, compiles, isExtended] = JSON.parse(stdout);
      available.push({ python, version, compiles, isExtended });
    } catch {
      skipped.push({ name, reason: `${python} has no torch`, install });
    }
  }
  return { available, skipped };
}

/** { model } as ONNX, or { reason } why there is none. */
async function exported({ network, batchSize }, python) {
  if (!python) return { reason: "its network is exported by PyTorch, and there is none" };
  const model = join(mkdtempSync(join(tmpdir(), "netc-bench-")), "network.onnx");
  try {
    await run(python, [join(peersFolder, "torch_export.py"), network, String(batchSize), model]);
    return { model };
  } catch (error) {
    return { reason: `the network could not be exported: ${error.stderr?.trim().split("\n").at(-1) ?? error.message}` };
  }
}

function onnxruntime({ batchSize, imageSide }, { model, reason }, { threads, warmup, avx2 }) {
  const name = "onnxruntime-node";
  const modules = moduleFolder(name);
  const skip = (reason) => ({ skip: { name, reason, install: INSTALL.node(name) } });
  if (!modules) return skip(NO_MODULE);
  if (!model) return skip(reason);
  if (avx2) return { skip: { name, reason: "it cannot be kept to AVX2", install: "" } };
  const options = { modules, model, side: imageSide, batchSize, threads, warmup };
  return { side: nodeSide(`onnxruntime-node ${versionOf(modules, name)}`, "onnxruntime-side.mjs", options) };
}

async function openvino({ batchSize, imageSide }, { model, reason }, { threads, warmup }) {
  const name = "OpenVINO";
  const skip = (reason) => ({ skip: { name, reason, install: INSTALL.openvino } });
  for (const python of namedPythons()) {
    if (!python) return skip("NETC_BENCH_PYTHON is not set");
    try {
      const { stdout } = await run(python, ["-c", "import openvino; print(openvino.__version__)"]);
      if (!model) return skip(reason);
      const options = { model, side: imageSide, batchSize, threads, warmup };
      const args = [join(peersFolder, "openvino_side.py"), JSON.stringify(options)];
      return { side: { name: `${name} ${stdout.trim().split("-")[0]}`, command: python, args, precision: "float32" } };
    } catch {
      continue; // the next one
    }
  }
  return skip("no Python that NETC_BENCH_PYTHON names has openvino");
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
