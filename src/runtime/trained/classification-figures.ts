// Logits and labels → how good the answers are: accuracy, precision and recall of each class, the confusion matrix, the
// calibration error, and the images that went wrong the furthest. Pure arithmetic in float64.
import { invariant } from "../../compiler/diagnostics/diagnostic.js";

export interface ClassificationFigures {
  readonly images: number;
  readonly accuracy: number;
  /** Mean cross-entropy, without label smoothing. */
  readonly loss: number;
  /** One for each class, in the order of the logits. */
  readonly classes: readonly ClassFigures[];
  /** [true class][answered class]: how many images. */
  readonly confusion: readonly (readonly number[])[];
  readonly calibration: Calibration;
  /** The images that were answered wrongly, the largest loss first, the earlier image first among equals. */
  readonly mistakes: readonly Mistake[];
}

export interface ClassFigures {
  /** Images of the class. */
  readonly images: number;
  /** Images that were answered to be of it. */
  readonly answered: number;
  /** The share of those answers that are right; null where there are none. */
  readonly precision: number | null;
  /** The share of the class's images that were found; null where it has none. */
  readonly recall: number | null;
}

export interface Calibration {
  /**
   * Expected calibration error: the mean distance between confidence and accuracy, bin by bin, weighted by images.
   * Guo et al. 2017 (arXiv 1706.04599), eq. 3, with 15 bins as there.
   */
  readonly error: number;
  /** Bins of equal width, each without its lower and with its upper bound. */
  readonly bins: readonly CalibrationBin[];
}

export interface CalibrationBin {
  readonly from: number;
  readonly to: number;
  readonly images: number;
  /** Mean over the bin's images; null where it has none. */
  readonly confidence: number | null;
  readonly accuracy: number | null;
}

export interface Mistake {
  /** The image's place among those that were given. */
  readonly image: number;
  readonly label: number;
  readonly answer: number;
  /** The probability that the network gave to its answer, and to the label. */
  readonly confidence: number;
  readonly labelProbability: number;
}

const CALIBRATION_BINS = 15;

/** `logits` are [images, classes], `labels` the true class of each image. */
export function classificationFigures(logits: Float32Array, labels: Int32Array): ClassificationFigures {
  const images = labels.length;
  const classes = logits.length / images;
  invariant(images > 0 && Number.isInteger(classes), `${logits.length} logits of ${images} images`);
  const confusion = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  const bins = Array.from({ length: CALIBRATION_BINS }, () => ({ images: 0, confidence: 0, correct: 0 }));
  const mistakes: (Mistake & { readonly loss: number })[] = [];
  let lossSum = 0;
  let correct = 0;
  for (let image = 0; image < images; image++) {
    const label = labels[image]!;
    const row = logits.subarray(image * classes, (image + 1) * classes);
    const answer = largestOf(row);
    const exponentials = sumOfExponentials(row, row[answer]!);
    const loss = Math.log(exponentials) + row[answer]! - row[label]!;
    const confidence = 1 / exponentials;
    const isRight = answer === label;
    lossSum += loss;
    correct += Number(isRight);
    confusion[label]![answer]!++;
    const bin = bins[Math.min(Math.max(Math.ceil(confidence * CALIBRATION_BINS) - 1, 0), CALIBRATION_BINS - 1)]!;
    bin.images++;
    bin.confidence += confidence;
    bin.correct += Number(isRight);
    if (!isRight) mistakes.push({ image, label, answer, confidence, labelProbability: Math.exp(-loss), loss });
  }
  return {
    images,
    accuracy: correct / images,
    loss: lossSum / images,
    classes: confusion.map((row, index) =>
      classFigures(row[index]!, sum(row), sum(confusion.map((one) => one[index]!))),
    ),
    confusion,
    calibration: {
      error: sum(bins.map((bin) => Math.abs(bin.correct - bin.confidence))) / images,
      bins: bins.map((bin, index) => ({
        from: index / CALIBRATION_BINS,
        to: (index + 1) / CALIBRATION_BINS,
        images: bin.images,
        confidence: share(bin.confidence, bin.images),
        accuracy: share(bin.correct, bin.images),
      })),
    },
    mistakes: mistakes
      .toSorted((one, other) => other.loss - one.loss || one.image - other.image)
      .map(({ loss: _, ...mistake }) => mistake),
  };
}

/** The probabilities of one image's logits, in float64. */
export function softmax(logits: Float32Array): number[] {
  const largest = logits[largestOf(logits)]!;
  const exponentials = sumOfExponentials(logits, largest);
  return Array.from(logits, (logit) => Math.exp(logit - largest) / exponentials);
}

function classFigures(right: number, images: number, answered: number): ClassFigures {
  return { images, answered, precision: share(right, answered), recall: share(right, images) };
}

/** The first of the largest. */
function largestOf(row: Float32Array): number {
  let largest = 0;
  for (let index = 1; index < row.length; index++) if (row[index]! > row[largest]!) largest = index;
  return largest;
}

/** `largest` is taken out first, so that no exponential overflows. */
function sumOfExponentials(row: Float32Array, largest: number): number {
  let exponentials = 0;
  for (const logit of row) exponentials += Math.exp(logit - largest);
  return exponentials;
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
