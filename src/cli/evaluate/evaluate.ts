// The work of `netc evaluate`: a trained network and its test images → figures, and a picture of the worst mistakes.
import { basename } from "node:path";
import type { Mistake } from "../../runtime/trained/classification-figures.js";
import type { Dataset } from "../../runtime/data/dataset.js";
import { imagesOf } from "../../runtime/data/dataset.js";
import { contactSheet } from "../../runtime/data/pictures/contact-sheet.js";
import { FEW_IMAGES, wilsonInterval } from "../../runtime/metrics/wilson.js";
import { refuseUnwritable, writeOutput } from "../../runtime/files/output-file.js";
import type { NetworkEvaluation, TrainedNetwork } from "../../runtime/trained/trained-network.js";
import { showingProgress } from "../data/data-progress.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import type { TrainedFlags } from "../load/open-trained.js";
import { openTrained } from "../load/open-trained.js";
import {
  cell,
  counted,
  formatCount,
  formatInterval,
  formatLoss,
  formatPercent,
  tableLines,
} from "../screen/terminal.js";
import { jsonText, printLines } from "../screen/print.js";
import { printable } from "../../compiler/diagnostics/printable.js";

/** How many images the sheet shows at most, and how many the text names. */
const IMAGES_ON_SHEET = 40;
const MISTAKES_NAMED = 5;
/** A matrix of more classes is wider than any terminal; the pairs that are confused most are named in its place. */
const MOST_COLUMNS = 16;

export interface EvaluateFlags extends TrainedFlags {
  readonly sheet?: string;
}

export async function evaluateRun(path: string, flags: EvaluateFlags): Promise<ExitCode> {
  if (flags.sheet !== undefined) await refuseUnwritable(flags.sheet);
  const network = await openTrained(path, flags);
  try {
    const dataset = await showingProgress((onProgress) => network.openDataset(onProgress));
    const evaluation = await network.evaluate({ dataset });
    if (flags.sheet !== undefined) await writeOutput(flags.sheet, await mistakesSheet(evaluation, dataset));
    process.stdout.write(
      flags.format === "json" ? evaluationJson(network, evaluation, dataset) : text(network, evaluation, dataset),
    );
    if (flags.sheet !== undefined && flags.format === "text") printLines(["", `most wrong images ${flags.sheet}`]);
    return exitCodes.done;
  } finally {
    await network.dispose();
  }
}

async function mistakesSheet(evaluation: NetworkEvaluation, { test }: Dataset): Promise<Uint8Array> {
  const { height, width, channels } = test;
  const images = evaluation.mistakes.slice(0, IMAGES_ON_SHEET).map((mistake) => ({
    pixels: imagesOf(test, mistake.image, mistake.image + 1),
    caption: [
      `is ${evaluation.classNames[mistake.label]} ${formatPercent(mistake.labelProbability)}`,
      `not ${evaluation.classNames[mistake.answer]} ${formatPercent(mistake.confidence)}`,
    ],
  }));
  return await contactSheet(images, { height, width, channels, columns: 8 });
}

// ---------------------------------------------------------------- JSON

function evaluationJson(
  { checkpoint, engine, program }: TrainedNetwork,
  evaluation: NetworkEvaluation,
  { test }: Dataset,
): string {
  const { classNames, classes, logits: _, ...figures } = evaluation;
  const named = classes.map((one, index) => ({ name: classNames[index], ...one }));
  const { step, epochsClosed } = checkpoint.progress;
  const document = {
    name: program.config.name,
    checkpoint: checkpoint.folder,
    step,
    epochs: epochsClosed,
    engine,
    ...figures,
    accuracyInterval: wilsonInterval(figures.accuracy, figures.images),
    mistakes: figures.mistakes.map((mistake) => ({ ...mistake, file: test.files?.[mistake.image] ?? null })),
    classes: named,
  };
  return jsonText(document);
}

// ---------------------------------------------------------------- text

function text(network: TrainedNetwork, evaluation: NetworkEvaluation, dataset: Dataset): string {
  const { program, checkpoint, engine } = network;
  const { step, epochsClosed } = checkpoint.progress;
  const { accuracy, images, loss, calibration, mistakes } = evaluation;
  const few = images < FEW_IMAGES ? ": few, so that the figure is rough" : "";
  const lines = [
    program.config.name,
    `  checkpoint  ${basename(checkpoint.folder)}, after ${counted(epochsClosed, "epoch")}, ${counted(step, "step")}`,
    `  engine      ${engine}`,
    `  accuracy    ${formatPercent(accuracy)} of ${counted(images, "test image")}; with 95% confidence ${formatInterval(accuracy, images)}${few}`,
    `  loss        ${formatLoss(loss)}`,
    `  calibration ${formatPercent(calibration.error)} between confidence and accuracy, expected`,
    "",
    ...classTable(evaluation),
    "",
    ...confusions(evaluation),
    ...(mistakes.length > 0
      ? ["", "most wrong", ...mistakes.slice(0, MISTAKES_NAMED).map(sentenceOf(evaluation, dataset))]
      : []),
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

function classTable({ classes, classNames }: NetworkEvaluation): string[] {
  const percent = (share: number | null): string => (share === null ? "–" : formatPercent(share));
  return tableLines(
    [
      { title: "class", align: "left" },
      { title: "images", align: "right" },
      { title: "precision", align: "right" },
      { title: "recall", align: "right" },
    ],
    classes.map(({ images, precision, recall }, index) => [
      classNames[index]!,
      formatCount(images),
      percent(precision),
      percent(recall),
    ]),
  );
}

function confusions({ confusion, classNames }: NetworkEvaluation): string[] {
  if (classNames.length <= MOST_COLUMNS) {
    const columns = classNames.map((name) => ({ title: name, align: "right" as const }));
    const rows = confusion.map((row, index) => [classNames[index]!, ...row.map(formatCount)]);
    return [
      "confusion: rows are true classes, columns answers",
      ...tableLines([{ title: "", align: "left" }, ...columns], rows),
    ];
  }
  const pairs = confusion
    .flatMap((row, label) => row.map((count, answer) => ({ count, label, answer })))
    .filter(({ count, label, answer }) => count > 0 && label !== answer)
    .toSorted((one, other) => other.count - one.count)
    .slice(0, MOST_COLUMNS);
  const rows = pairs.map(({ count, label, answer }) => [classNames[label]!, classNames[answer]!, formatCount(count)]);
  return [
    `confused most often (--format json has all ${classNames.length} classes)`,
    ...tableLines(
      [
        { title: "true class", align: "left" },
        { title: "answer", align: "left" },
        { title: "images", align: "right" },
      ],
      rows,
    ),
  ];
}

function sentenceOf({ classNames }: NetworkEvaluation, { test }: Dataset): (mistake: Mistake) => string {
  return ({ image, label, answer, confidence }) =>
    `  ${test.files ? cell(test.files[image]!) : `image ${image}`}: ${cell(classNames[label]!)}, taken for ${cell(classNames[answer]!)} with ${formatPercent(confidence)}`;
}
