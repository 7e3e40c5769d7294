// An exported network → what README.md, requirements.txt, Dockerfile and the launch files print. A file's name may be any
// text: it comes here as Markdown text and as a DNS label, and nowhere else.
import { parametersOf } from "../../../compiler/parameters.js";
import { averagesWeights } from "../../../compiler/weight-average.js";
import type { ExportSource } from "../source.js";
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
  readonly resizes: boolean;
  readonly averages: boolean;
  readonly flips: boolean;
  readonly hasNorms: boolean;
  readonly batchSize: number;
  readonly epochs: number;
  readonly trained: boolean;
  readonly step: number;
}

export function documentsView({ program, trained }: ExportSource, { network, input }: ModelView): DocumentsView {
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
    resizes: data.resize !== null,
    averages: averagesWeights(train),
    flips: train.evaluation.flip,
    hasNorms: graph.nodes.some(({ op }) => op.kind === "batch_norm"),
    batchSize: train.batch_size,
    epochs: train.epochs,
    trained: trained !== undefined,
    step: trained?.run.checkpoint.progress.step ?? 0,
  };
}
