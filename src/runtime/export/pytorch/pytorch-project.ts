// A file or a run → the files of a PyTorch project that trains it on: on one processor, one GPU, or many under torchrun.
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Program } from "../../../compiler/program.js";
import { frozenNorms } from "../../../compiler/training/frozen-norms.js";
import { phaseStarts } from "../../../compiler/training/training-phases.js";
import { printConfig } from "../../../compiler/front/yaml/print-config.js";
import { UserError } from "../../process/user-error.js";
import { textIfThere } from "../../files/if-there.js";
import { readPlainFile } from "../../files/read-plain-file.js";
import { renderTemplate } from "../../files/render-template.js";
import { pytorchSafetensors } from "../safetensors.js";
import type { ExportedFiles, ExportSource, TrainedSource } from "../source.js";
import { documentsView } from "./documents-view.js";
import { modelView } from "./model-view.js";
import { dataView, randomnessView } from "./data-view.js";
import { initializationView } from "./initialization-view.js";
import { optimizerView } from "./optimizer-view.js";
import { scheduleView, trainView } from "./train-view.js";
import type { Unwritable } from "./unwritable.js";
import { unwritable } from "./unwritable.js";

/** Throws a UserError that names every key that the project cannot do yet, with its place. */
export async function pytorchProject(source: ExportSource): Promise<ExportedFiles> {
  const { program, trained } = source;
  const { train: asked } = program.config;
  // A run's project goes on from its newest checkpoint, whatever that began with
  const faults = unwritable({ ...program.config, train: { ...asked, start: trained ? null : asked.start } });
  faults.push(...frozenParts(program));
  if (faults.length > 0) {
    const [first, ...others] = faults.map(({ path, message }) => `${source.placeOf(path)}: ${message}`);
    throw new UserError(first!, others);
  }
  const model = modelView(program);
  const [data, optimizer, initialization] = [
    dataView(program),
    optimizerView(program),
    initializationView(program, model),
  ];
  const train = trainView(program, model, optimizer, data);
  const documents = documentsView(source, model, data);
  const files = new Map<string, string | readonly Uint8Array[]>();
  const views: Readonly<Record<string, object>> = {
    "model.py": model,
    "train.py": train,
    "optimizer.py": optimizer,
    "schedule.py": scheduleView(program),
    "initialization.py": initialization,
    "data.py": data,
    "randomness.py": randomnessView(program, initialization),
    "checkpoint.py": train,
    "README.md": documents,
    "requirements.txt": documents,
    Dockerfile: documents,
    "launch/slurm.sbatch": documents,
    "launch/trainjob.yaml": documents,
  };
  for (const [path, view] of Object.entries(views)) {
    files.set(path, await renderTemplate(placeOf(`${path}.hbs`), view, { kind: "text" }));
  }
  for (const path of AS_THEY_ARE) files.set(path, await readFile(placeOf(path), "utf8"));
  files.set(".dockerignore", IGNORED_BY_DOCKER.map((name) => `${name}\n`).join(""));
  files.set("config.yaml", CONFIG_HEAD + printConfig(program.config));
  if (trained) await addRun(files, program, trained);
  return files;
}

/** What its scripts do otherwise: they freeze at the end of a group's epochs alone, and norms go on with each batch's statistics. */
function frozenParts(program: Program): Unwritable[] {
  const { plan, config } = program;
  const phases = phaseStarts(plan).map((_, phase) => frozenNorms(program, phase));
  const late = config.train.groups.findIndex(({ from_epoch: from }) => from > 0);
  if (late >= 0) {
    const path = ["train", "groups", late, "from_epoch"];
    return [{ path, message: "the PyTorch project cannot begin to train a group later" }];
  }
  if (phases.every((norms) => norms.size === 0)) return [];
  const message =
    "the PyTorch project has no norms that keep their statistics; write `frozen_norms: batch` to go without";
  return [{ path: ["train", "groups"], message }];
}

/** The same in every project. */
const AS_THEY_ARE = ["config.py", "pyproject.toml", "launch/one-node.sh", "launch/several-nodes.sh"] as const;

const IGNORED_BY_DOCKER = [".git", ".mypy_cache", ".ruff_cache", ".venv", "**/__pycache__", "run"] as const;

const CONFIG_HEAD = `# Every setting, as netc resolved it: \`netc check\` and \`netc run\` take this file too.
# \`data\` and \`train\` are what the scripts read; the network of \`model\` is written out in model.py.
`;

/** The newest checkpoint to go on from, and the weights that evaluation uses. */
async function addRun(
  files: Map<string, string | readonly Uint8Array[]>,
  program: Program,
  { run, state }: TrainedSource,
): Promise<void> {
  const { checkpoint, folder, file } = run;
  files.set("model.safetensors", pytorchSafetensors(program, state, checkpoint.progress.step));
  files.set("run/config.yaml", file.source.text);
  files.set("run/events.jsonl", (await textIfThere(folder.events)) ?? "");
  for (const name of ["weights.safetensors", "optimizer.safetensors", "manifest.json"]) {
    const place = `run/checkpoints/${basename(checkpoint.folder)}/${name}`;
    files.set(place, [await readPlainFile(join(checkpoint.folder, name))]);
  }
}

function placeOf(file: string): URL {
  return new URL(`./project/${file}`, import.meta.url);
}
