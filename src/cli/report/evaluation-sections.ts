// A run → the report's parts on what the network answers: its confusion matrix, and the images it is most wrong about.
import type { Dataset } from "../../runtime/data/dataset.js";
import { encodePng } from "../../runtime/data/pictures/png.js";
import { renderTemplate } from "../../runtime/files/render-template.js";
import type { NetworkEvaluation } from "../../runtime/trained/trained-network.js";
import { openRun } from "../../runtime/trained/trained-network.js";
import { showingProgress } from "../data/data-progress.js";
import { counted, formatCount, formatInterval, formatPercent } from "../screen/terminal.js";
import type { Section } from "./view.js";

const SAMPLES = 24;
/** Confusions that are named under the matrix. */
const PAIRS = 10;
/** Pixels on the page that a side of a sample has at least. */
const LEAST_SIDE = 96;

/** Evaluates the newest checkpoint here and now. Throws a UserError where there is none, or its data cannot be had. */
export async function evaluationSections(run: string): Promise<Section[]> {
  const network = await openRun(run);
  try {
    const dataset = await showingProgress((onProgress) => network.openDataset(onProgress));
    const evaluation = await network.evaluate({ dataset });
    const { step } = network.checkpoint.progress;
    return [await confusionSection(evaluation, step), await samplesSection(evaluation, dataset)];
  } finally {
    await network.dispose();
  }
}

export async function confusionSection(evaluation: NetworkEvaluation, step: number): Promise<Section> {
  const { classNames, classes, confusion, accuracy, images, calibration } = evaluation;
  const percent = (share: number | null): string => (share === null ? "–" : formatPercent(share));
  const view = {
    caption: "How many images of each true class got which answer",
    answers: classNames,
    rows: confusion.map((row, label) => ({
      name: classNames[label]!,
      counts: row.map((count, answer) => ({
        text: count === 0 ? "" : formatCount(count),
        isRight: label === answer,
        share: Math.round((100 * count) / Math.max(1, classes[label]!.images)),
        picture: pictureOf(evaluation, label, answer),
      })),
      precision: percent(classes[label]!.precision),
      recall: percent(classes[label]!.recall),
    })),
  };
  const pairs = confusion
    .flatMap((row, label) => row.map((count, answer) => ({ count, label, answer })))
    .filter(({ count, label, answer }) => count > 0 && label !== answer)
    .toSorted((one, other) => other.count - one.count)
    .slice(0, PAIRS)
    .map(({ count, label, answer }) => ({
      text: `${counted(count, "image")} of ${classNames[label]} taken for ${classNames[answer]}`,
      picture: pictureOf(evaluation, label, answer),
    }));
  return {
    id: "confusion",
    title: "Confusion matrix",
    note:
      `Evaluated when this page was written: the checkpoint of step ${formatCount(step)} answers ${formatPercent(accuracy)} of ` +
      `${formatCount(images)} test images correctly (with 95% confidence ${formatInterval(accuracy, images)}). Its confidence is off by ${formatPercent(calibration.error)} on the ` +
      "average (expected calibration error). Rows are true classes, columns answers.",
    html: await renderTemplate(new URL("confusion.html.hbs", import.meta.url), { ...view, pairs }, { kind: "html" }),
  };
}

/** The anchor of the first sample of a confusion; undefined where the page shows none. */
function pictureOf({ mistakes }: NetworkEvaluation, label: number, answer: number): string | undefined {
  const shown = mistakes.slice(0, SAMPLES).find((one) => one.label === label && one.answer === answer);
  return shown && `sample-${shown.image}`;
}

export async function samplesSection(evaluation: NetworkEvaluation, { test }: Dataset): Promise<Section> {
  const { classNames, mistakes } = evaluation;
  const { height, width, channels, images } = test;
  const bytes = height * width * channels;
  const scale = Math.max(1, LEAST_SIDE / Math.min(height, width));
  const samples = await Promise.all(
    mistakes.slice(0, SAMPLES).map(async ({ image, label, answer, confidence, labelProbability }) => {
      const pixels = images.slice(image * bytes, (image + 1) * bytes);
      const png = await encodePng({ height, width, channels, pixels });
      return {
        id: `sample-${image}`,
        file: test.files?.[image],
        source: `data:image/png;base64,${Buffer.from(png).toString("base64")}`,
        alt: `test image ${image}, of class ${classNames[label]}`,
        width: Math.round(width * scale),
        height: Math.round(height * scale),
        label: `${classNames[label]}: ${formatPercent(labelProbability)}`,
        answer: `taken for ${classNames[answer]}: ${formatPercent(confidence)}`,
      };
    }),
  );
  return {
    id: "samples",
    title: "Samples",
    note:
      samples.length > 0
        ? "The test images that the network is most wrong about, each with the probability of its true class and of the answer."
        : "The network classifies every test image correctly.",
    html: await renderTemplate(new URL("samples.html.hbs", import.meta.url), { samples }, { kind: "html" }),
  };
}
