// `netc export FORMAT SOURCE -o FOLDER`: a trained network, or a project that trains it, for another program.
import type { Command } from "commander";
import { BEST } from "../evaluate/command.js";
import { collect } from "../screen/options.js";
import type { ExportFlags, ExportFormat } from "./export.js";

/** In the order that the help lists them. A new format needs a line here and a module under runtime/export/. */
const exportFormats: Readonly<Record<string, ExportFormat>> = {
  tfjs: {
    summary: "a TensorFlow.js model, and a page that classifies pictures with it",
    description:
      "Writes model.json and weights.bin, which stock tf.loadLayersModel opens, and index.html: one page that holds the " +
      "network and all it needs, and works from a disk.",
    takesFile: false,
    write: async (source) => {
      const { tfjsModel } = await import("../../runtime/export/tfjs/tfjs-model.js");
      return tfjsModel(source);
    },
    note: async ({ program }) => {
      const { densePrice, densePriceText } = await import("../../compiler/targets/dense-filter.js");
      const { isDepthwise } = await import("../../compiler/targets/tfjs.js");
      return densePriceText(densePrice(program.graph, isDepthwise));
    },
  },
  safetensors: {
    summary: "weights with PyTorch's names and layouts",
    description: "Writes model.safetensors, which load_state_dict(strict=True) of the exported PyTorch model takes.",
    takesFile: false,
    write: async ({ program, trained }) => {
      const { pytorchSafetensors } = await import("../../runtime/export/safetensors.js");
      const { state, run } = trained!;
      return new Map([["model.safetensors", pytorchSafetensors(program, state, run.checkpoint.progress.step)]]);
    },
  },
  onnx: {
    summary: "an ONNX model that takes 8-bit images, in batches of any size",
    description:
      "Writes model.onnx of opset 17: 8-bit images [n, height, width, channels] in, logits [n, classes] out. Normalisation " +
      "is part of it; what else has to be done to a picture is in its metadata.",
    takesFile: false,
    options: (command) =>
      command.option("--fold-batch-norm", "merge norms into the convolutions before them: smaller and faster", false),
    write: async (source, flags) => {
      const { onnxModel } = await import("../../runtime/export/onnx/onnx-model.js");
      return onnxModel(source, { foldBatchNorm: flags["foldBatchNorm"] === true });
    },
  },
  savedmodel: {
    summary: "TensorFlow's SavedModel, for Python and TensorFlow Serving",
    description:
      "Writes a SavedModel from 8-bit images to logits and probabilities, for any number of images, normalisation and " +
      "weights inside; the classes and what has to be done to a picture are in assets/preprocessing.json.",
    takesFile: false,
    write: async (source) => {
      const { savedModelFiles } = await import("../../runtime/export/saved-model.js");
      return savedModelFiles(source);
    },
  },
  pytorch: {
    summary: "a PyTorch project that goes on training, on one machine or many",
    description:
      "Writes a project: the network as readable modules, the same training, and scripts that start it under torchrun, Slurm and " +
      "Kubernetes. From a run it continues at the newest checkpoint, and `netc run --resume` continues from its checkpoints.",
    takesFile: true,
    write: async (source) => {
      const { pytorchProject } = await import("../../runtime/export/pytorch/pytorch-project.js");
      return pytorchProject(source);
    },
  },
};

export function register(program: Command): void {
  const command = program
    .command("export")
    .description("write a trained network for another program")
    .addHelpText(
      "after",
      "\nA run is the folder that `netc run` wrote; its newest intact checkpoint is\nexported, the best with --best, or the one that is named:\nRUN/checkpoints/step-00001234.",
    );
  for (const [name, format] of Object.entries(exportFormats)) {
    const source = format.takesFile ? "<run-or-file>" : "<run>";
    const about = format.takesFile
      ? "a run's folder, one of its checkpoints, or a YAML file"
      : "a run's folder, or one of its checkpoints";
    const declared = command
      .command(name)
      .summary(format.summary)
      .description(format.description)
      .argument(source, about)
      .requiredOption("-o, --out <folder>", "the new folder")
      .option("--best", BEST, false);
    if (format.takesFile)
      declared.option("--set <path=value>", "set a value of the file (may be repeated)", collect, []);
    (format.options?.(declared) ?? declared).action(async (place: string, flags: ExportFlags) => {
      const { exportTo } = await import("./export.js");
      process.exitCode = await exportTo(place, format, { ...flags, set: flags.set ?? [] });
    });
  }
}
