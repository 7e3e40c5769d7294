// An exported network → what README.md, requirements.txt, Dockerfile and the launch files print. A file's name may be any
// text: it comes here as Markdown text and as a DNS label, and nowhere else.
import type { EvaluationConfig } from "../../../compiler/config.js";
import { parametersOf } from "../../../compiler/network/parameters.js";
import { averagesWeights } from "../../../compiler/training/weight-average.js";
import { preprocessingOf } from "../preprocessing.js";
import type { ExportSource } from "../source.js";
import type { DataView } from "./data-view.js";
import type { ModelView } from "./model-view.js";
import { dnsLabel, markdownText } from "./names.js";

export interface DocumentsView {
  /** The file's name as Markdown text. */
  readonly title: string;
  /** The same for Kubernetes, Slurm and Docker. */
  readonly label: string;
  readonly network: string;
  readonly parameters: string;
  readonly input: ModelView["input"];
  readonly cifar10: boolean;
  readonly folders: boolean;
  readonly pillow: boolean;
  readonly groups: boolean;
  readonly mixes: boolean;
  readonly accumulates: boolean;
  readonly averages: boolean;
  /** What evaluation takes the mean over; empty where that is the image alone. */
  readonly testViews: string;
  /** What is done to a picture before and after the model, a sentence a step. */
  readonly preprocessing: readonly string[];
  readonly hasNorms: boolean;
  readonly batchSize: number;
  readonly epochs: number;
  readonly trained: boolean;
  readonly step: number;
}

export function documentsView(
  { program, trained }: ExportSource,
  { network, input }: ModelView,
  { folders, scales, mixes }: DataView,
): DocumentsView {
  const { config, graph } = program;
  const { train, data } = config;
  const parameters = parametersOf(graph).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return {
    title: markdownText(config.name),
    label: dnsLabel(config.name),
    network,
    parameters: parameters.toLocaleString("en-US"),
    input,
    cifar10: data.dataset === "cifar10",
    folders,
    pillow: scales,
    groups: train.groups.length > 0,
    mixes,
    accumulates: train.accumulate > 1,
    averages: averagesWeights(train),
    testViews: testViews(train.evaluation),
    preprocessing: preprocessingOf(config, { layout: "NCHW", type: "float32" }).steps.map(
      ({ step, means }) => `\`${step}\`: ${markdownText(means)}.`,
    ),
    hasNorms: graph.nodes.some(({ op }) => op.kind === "batch_norm"),
    batchSize: train.batch_size,
    epochs: train.epochs,
    trained: trained !== undefined,
    step: trained?.run.checkpoint.progress.step ?? 0,
  };
}

function testViews({ flip, translate }: EvaluationConfig): string {
  const moved = translate > 0 ? "each image and the same moved both ways" : "each image";
  if (flip) return translate > 0 ? `${moved}, all three mirrored and not` : "each image and its mirror image";
  return translate > 0 ? moved : "";
}
