// The work of `netc graph`: Program → a table of its layers, the same as JSON, or the lowered training step as text.
import { cost } from "../../compiler/network/cost.js";
import type { Cost, NodeCost } from "../../compiler/network/cost.js";
import { hasErrors } from "../../compiler/diagnostics/diagnostic.js";
import { formatShape } from "../../compiler/network/infer-shapes.js";
import type { StepMode } from "../../compiler/lower/step/differentiate.js";
import { lower, plannedChoice } from "../../compiler/lower/lower.js";
import { stepsOfRun } from "../../compiler/lower/step-requests.js";
import { printStep } from "../../compiler/lower/placement/print-step.js";
import type { Program } from "../../compiler/program.js";
import type { PreparationNeeds } from "../../runtime/data/progress.js";
import { preparationNeeds } from "../../runtime/data/preparation-needs.js";
import type { Picture, PictureOptions } from "../../compiler/targets/picture/picture.js";
import { refuseUnwritable, writeOutput } from "../../runtime/files/output-file.js";
import { compileFile, reportFaults } from "../load/load-file.js";
import { printable } from "../../compiler/diagnostics/printable.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { defaultThreads } from "../load/machine-limits.js";
import { predictMemory } from "../load/predict-memory.js";
import type { Column } from "../screen/terminal.js";
import { counted, formatBytes, formatCount, formatScaled, tableLines } from "../screen/terminal.js";
import { jsonText } from "../screen/print.js";

export interface GraphFlags {
  readonly set: readonly string[];
  readonly format: "text" | "json" | "svg" | "mermaid" | "dot" | "html";
  /** Which step to print as kernel calls; false prints layers. */
  readonly step: "train" | "evaluate" | false;
  readonly unfold: boolean;
  /** A kernel of that step whose machine code to print; true prints a table of them. */
  readonly code?: string | true;
  /** A file to write it to; printed without one. */
  readonly out?: string;
}

export async function graph(file: string, { set, format, step, unfold, code, out }: GraphFlags): Promise<ExitCode> {
  if (out !== undefined) await refuseUnwritable(out);
  const compiled = await compileFile(file, set, { engine: "auto" });
  const { program, diagnostics } = compiled;
  reportFaults(compiled);
  // A network that does not fit into memory can be shown all the same.
  if (program) {
    const text = await textOf(program);
    if (out === undefined) process.stdout.write(text);
    else await writeOutput(out, text);
  }
  return hasErrors(diagnostics) ? exitCodes.inputHasErrors : exitCodes.done;

  async function textOf(program: Program): Promise<string> {
    if (code !== undefined) {
      const { codeText } = await import("./code-text.js");
      return codeText(program, step || "train", code === true ? undefined : code);
    }
    return step ? stepText(program, step) : FORMATS[format](program, { unfold });
  }
}

type Format = (program: Program, options: PictureOptions) => string | Promise<string>;

/** What draws is loaded when it is asked for: the layout library alone doubles the start. */
const FORMATS: Readonly<Record<GraphFlags["format"], Format>> = {
  text: (program) => graphText(program, cost(program.graph)),
  json: (program) => graphJson(program, cost(program.graph)),
  svg: async (program, options) => {
    const { svgText } = await import("../../compiler/targets/picture/svg.js");
    return svgText(await pictureOf(program, options));
  },
  mermaid: async (program, options) => {
    const { mermaidText } = await import("../../compiler/targets/picture/mermaid.js");
    return mermaidText(await pictureOf(program, options));
  },
  dot: async (program, options) => {
    const { dotText } = await import("../../compiler/targets/picture/dot.js");
    return dotText(await pictureOf(program, options));
  },
  html: graphPage,
};

async function pictureOf({ config, graph }: Program, options: PictureOptions): Promise<Picture> {
  const { drawPicture } = await import("../../compiler/targets/picture/picture.js");
  return drawPicture(config.name, graph, options);
}

const COLUMNS: readonly Column[] = [
  { title: "layer", align: "left" },
  { title: "operation", align: "left" },
  { title: "output", align: "left" },
  { title: "parameters", align: "right" },
  { title: "multiply-adds", align: "right" },
  { title: "activation bytes", align: "right" },
];

/** Multiply-adds are for one image; bytes are for one batch, as they are held while training. */
async function graphText(program: Program, total: Cost): Promise<string> {
  const { config } = program;
  const batch = config.train.batch_size;
  const lines = tableLines(COLUMNS, layerRows(total, batch));
  const { engineBytes, processBytes } = predictMemory(program);
  const preparation = await preparationNeeds(config.data);
  return [
    ...lines.slice(0, -1),
    "",
    lines.at(-1)!,
    "",
    `${formatCount(total.parameters)} parameters, ${formatScaled(total.multiplyAdds)} multiply-adds per image`,
    `${activationNote(config)}; peak training memory ${formatBytes(engineBytes)}`,
    `\`netc run\` takes ${formatBytes(processBytes)} in all: that, images, batches, Node.js and its ${counted(defaultThreads(), "thread")}`,
    ...(preparation ? [printable(preparationText(preparation))] : []),
    "",
  ].join("\n");
}

/** While it trains, the processes of the preparation are gone. */
function preparationText({ doing, most }: PreparationNeeds): string {
  return `${doing} comes first and takes up to ${formatBytes(most)} in a process of its own`;
}

/** Training in bfloat16 stores less, which the peak of memory knows and the table, which is of the network alone, does not. */
function activationNote({ train }: Program["config"]): string {
  const type = train.precision === "float32" ? "" : "in float32, ";
  return `activation bytes are ${type}for a batch of ${train.batch_size}`;
}

/** A row a layer, and one of the totals. */
function layerRows(total: Cost, batch: number): string[][] {
  const cells = (row: Omit<NodeCost, "shape" | "operation">, operation: string, shape: string): string[] => [
    row.name,
    operation,
    shape,
    formatCount(row.parameters),
    formatCount(row.multiplyAdds),
    formatCount(row.activationBytes * batch),
  ];
  const rows = total.nodes.map((node) => cells(node, node.operation, formatShape(node.shape)));
  return [...rows, cells({ ...total, name: "total" }, "", "")];
}

async function graphPage(program: Program, options: PictureOptions): Promise<string> {
  const { svgText } = await import("../../compiler/targets/picture/svg.js");
  const { renderGraph } = await import("../report/render-report.js");
  const { table } = await import("../report/view.js");
  const { config, graph } = program;
  const { engineBytes, processBytes } = predictMemory(program);
  const total = cost(graph);
  const batch = config.train.batch_size;
  return renderGraph({
    title: printable(config.name),
    subtitle: `multiply-adds are for one image, ${activationNote(config)}`,
    figures: [
      { label: "parameters", value: formatCount(total.parameters) },
      { label: "multiply-adds per image", value: formatScaled(total.multiplyAdds) },
      { label: "peak training memory", value: formatBytes(engineBytes) },
      { label: "memory of netc run", value: formatBytes(processBytes) },
    ],
    network: svgText(await pictureOf(program, options)),
    layers: table(
      "Every layer and what it costs",
      COLUMNS.map(({ title }) => title),
      layerRows(total, batch),
    ),
  });
}

async function graphJson(program: Program, { nodes, ...totals }: Cost): Promise<string> {
  const { config } = program;
  const { engineBytes, processBytes } = predictMemory(program);
  const preparation = await preparationNeeds(config.data);
  const document = {
    name: config.name,
    batchSize: config.train.batch_size,
    layers: nodes,
    totals: {
      ...totals,
      peakTrainingMemoryBytes: engineBytes,
      peakProcessMemoryBytes: processBytes,
      ...(preparation && { peakPreparationMemoryBytes: preparation.most }),
    },
  };
  return jsonText(document);
}

function stepText(program: Program, which: StepMode): string {
  const { steps } = lower(program, stepsOfRun(program), defaultThreads(), plannedChoice(program));
  return printStep(steps.find(({ mode }) => mode === which)!.step);
}
