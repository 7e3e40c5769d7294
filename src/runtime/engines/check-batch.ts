// What a caller hands to a session → the sentence that refuses it, the same on every engine.
import type { ResolvedConfig } from "../../compiler/config.js";
import type { Program } from "../../compiler/program.js";
import { mixesLabels } from "../../compiler/training/mixed-labels.js";
import type { StateTensor } from "../../compiler/training/state-tensors.js";
import { UserError } from "../process/user-error.js";
import type { Batch, MixedLabels, State, StepHyper } from "./engine.js";

/** @throws UserError where the batch is not one of the program's. */
export function checkBatch({ config }: Program, { count, images, labels }: Batch): void {
  refuseUnless(isWhole(count, 1), () => `a batch's count must be a whole number of at least 1, found ${String(count)}`);
  checkImages(config, images, count);
  checkLabels(config.model.classifier.classes, "labels", labels, count);
}

export function checkImages({ model }: ResolvedConfig, images: Uint8Array, count: number): Uint8Array {
  const { height, width, channels } = model.input;
  const length = count * height * width * channels;
  checkValues("images", images, "Uint8Array", length, `of a batch of ${count} × ${height} × ${width} × ${channels}`);
  return images;
}

/** What training images have beside their labels. */
export function checkMixed({ config }: Program, { count, mixed }: Batch): void {
  if (mixed === undefined) return;
  refuseUnless(
    mixesLabels(config.data),
    () => "the batch's images are mixed, but the file has neither mixup nor cutmix",
  );
  const { labels, shares }: MixedLabels = mixed;
  checkLabels(config.model.classifier.classes, "mixed.labels", labels, count);
  checkValues("mixed.shares", shares, "Float32Array", count, `of a batch of ${count} images`);
  const strange = shares.findIndex((share) => !(share >= 0 && share <= 1));
  refuseUnless(
    strange < 0,
    () => `mixed.shares must lie between 0 and 1, but that of image ${strange} is ${shares[strange]}`,
  );
}

/** Memory is planned for the largest batch that a run has. */
export function checkBatchSize(count: number, largest: number): void {
  refuseUnless(
    count <= largest,
    () => `a batch of ${count} images is larger than any that the session was opened for: the largest has ${largest}`,
  );
}

export function checkHyper({ learningRate, step, skipped = 0 }: StepHyper): void {
  refuseUnless(
    Number.isFinite(learningRate),
    () => `the learning rate must be a finite number, found ${String(learningRate)}`,
  );
  refuseUnless(isWhole(step, 1), () => `step must be a whole number of at least 1, found ${String(step)}`);
  refuseUnless(
    isWhole(skipped, 0) && skipped < step,
    () => `skipped must be a whole number below step (${step}), found ${String(skipped)}`,
  );
}

/** All are checked before the first is written: a refused state leaves the session as it was. */
export function checkState(known: ReadonlyMap<string, StateTensor>, state: State): void {
  for (const [name, { shape, data }] of state) {
    const own = known.get(name);
    if (!own) throw new UserError(`the network has no tensor named ${name}`);
    const elements = own.shape.reduce((product, size) => product * size, 1);
    refuseUnless(
      shape.join() === own.shape.join() && isOf(data, "Float32Array") && data.length === elements,
      () =>
        `${name} has shape [${shape.join(", ")}] and ${found(data)}, expected [${own.shape.join(", ")}] and ${elements} of a Float32Array`,
    );
  }
}

function checkLabels(classes: number, name: string, labels: Int32Array, count: number): void {
  checkValues(name, labels, "Int32Array", count, `of a batch of ${count} images`);
  const strange = labels.findIndex((label) => label < 0 || label >= classes);
  refuseUnless(
    strange < 0,
    () => `${name} must be class indices from 0 to ${classes - 1}, but that of image ${strange} is ${labels[strange]}`,
  );
}

function checkValues(name: string, values: ArrayLike<number>, type: ArrayType, length: number, of: string): void {
  refuseUnless(
    isOf(values, type) && values.length === length,
    () => `${name} ${of} must be ${length} values of ${article(type)}, found ${found(values)}`,
  );
}

type ArrayType = "Uint8Array" | "Int32Array" | "Float32Array";

/** By its tag: an array of another realm, as tests of some frameworks have them, is none of this one's classes. */
function isOf(values: unknown, type: ArrayType): boolean {
  return ArrayBuffer.isView(values) && (values as unknown as Record<symbol, string>)[Symbol.toStringTag] === type;
}

function found(values: ArrayLike<number> | undefined): string {
  if (typeof values !== "object" || values === null) return String(values);
  return `${values.length} of ${article(values.constructor.name)}`;
}

function article(name: string): string {
  return /^[AEIO]/.test(name) ? `an ${name}` : `a ${name}`;
}

function isWhole(value: number, least: number): boolean {
  return Number.isInteger(value) && value >= least;
}

function refuseUnless(isGood: boolean, message: () => string): void {
  if (!isGood) throw new UserError(message());
}
