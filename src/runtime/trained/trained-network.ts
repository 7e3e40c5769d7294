// A trained network opened on an engine, to be evaluated on its test images or asked about pictures. Images go the way that
// they went in training: the same pixels, the same kernels, and so the same logits to the bit.
import { pictureFit } from "../../compiler/datasets.js";
import type { Program } from "../../compiler/program.js";
import type { ClassificationFigures } from "./classification-figures.js";
import { classificationFigures, softmax } from "./classification-figures.js";
import type { BrokenCheckpoint, Checkpoint } from "../run/checkpoint.js";
import { classNames } from "../data/class-names.js";
import type { Dataset } from "../data/dataset.js";
import { BrokenImage, isDecodable, readPicture } from "../data/images/decode-image.js";
import type { PassedOver } from "../data/images/image-files.js";
import { PassedOverFiles, imageFilesOf } from "../data/images/image-files.js";
import { fitting } from "../data/images/fit-image.js";
import { createLoader } from "../data/loader.js";
import { openDataset } from "../data/open-dataset.js";
import type { OnDataProgress } from "../data/progress.js";
import { createResize } from "../data/resize.js";
import { testViews } from "../data/test-views.js";
import type { Batch, Device, Session } from "../engines/engine.js";
import { chooseEngine } from "../engines/index.js";
import type { EvaluateOptions } from "../training/evaluator.js";
import { evaluate, evaluateBatch } from "../training/evaluator.js";
import { loadTrained } from "./load-trained.js";
import { UserError } from "../process/user-error.js";

export interface OpenRunOptions {
  /** A name of an engine; "auto" without it. */
  readonly engine?: string;
  readonly threads?: number | undefined;
  readonly device?: Device | undefined;
  /** Opens the checkpoint of the run's best evaluation, by test accuracy, in place of the newest. */
  readonly best?: boolean | undefined;
  /** False takes the kernels that the compiler predicts to be fastest in place of the run's own. */
  readonly tune?: boolean;
}

export interface NetworkEvaluation extends ClassificationFigures {
  /** What the classes are called, in the order of `classes`. */
  readonly classNames: readonly string[];
  /** [images, classes], in the test set's order. */
  readonly logits: Float32Array;
}

export interface Prediction {
  /** The picture's path; its place in the list where it was given as bytes. */
  readonly image: string;
  /** The most probable classes, the first of equals first. */
  readonly classes: readonly { readonly name: string; readonly probability: number }[];
  /** One a class, in the classes' order. */
  readonly logits: Float32Array;
}

export interface PredictOptions {
  /** How many classes to name; 5 without it. */
  readonly top?: number;
  /** Hears of pictures that cannot be read, which are then left out; without it the first one throws a UserError. */
  readonly onBroken?: (image: string, reason: string) => void;
  /** Hears of files in a folder that are not read, of a kind each. */
  readonly onPassedOver?: (files: PassedOver) => void;
}

/**
 * Opens the network of a run, or of one of its checkpoints. Dispose of it when done.
 * @throws UserError where there is no such run, or the engine cannot be used here.
 */
export async function openRun(path: string, options: OpenRunOptions = {}): Promise<TrainedNetwork> {
  const { engine: name = "auto", threads, device, tune = true } = options;
  const { program, checkpoint, broken } = await loadTrained(path, { best: options.best });
  const { engine } = await chooseEngine(name, device, undefined, { isBrief: true });
  const kernels = tune ? checkpoint.kernels : "predicted";
  const session = await engine.open(program, { threads, device, kernels });
  await session.writeState(checkpoint.state);
  return new TrainedNetwork(program, checkpoint, broken, engine.name, session);
}

export class TrainedNetwork {
  constructor(
    readonly program: Program,
    readonly checkpoint: Pick<Checkpoint, "folder" | "progress">,
    /** Newer checkpoints that were passed over. */
    readonly broken: readonly BrokenCheckpoint[],
    /** The engine's name. */
    readonly engine: string,
    private readonly session: Session,
  ) {}

  /** In the order of the logits. */
  get classNames(): readonly string[] {
    return classNames(this.program.config);
  }

  /** The images that it was trained and is tested on. Throws a UserError where they cannot be had. */
  async openDataset(onProgress: OnDataProgress = () => {}, signal?: AbortSignal): Promise<Dataset> {
    const { data, seed } = this.program.config;
    return await openDataset(data, seed, onProgress, signal);
  }

  /** All test images, as the trainer evaluates them. Throws an AbortError where the signal stopped it. */
  async evaluate({
    dataset,
    signal,
    onBatch,
  }: Pick<EvaluateOptions, "signal" | "onBatch"> & { readonly dataset?: Dataset } = {}): Promise<NetworkEvaluation> {
    const { test } = dataset ?? (dataset = await this.openDataset(undefined, signal));
    const classes = this.program.config.model.classifier.classes;
    const logits = new Float32Array(test.count * classes);
    let done = 0;
    const onLogits = (some: Float32Array): void => {
      logits.set(some, done);
      done += some.length;
    };
    const loader = createLoader(dataset, this.program.config);
    await evaluate(this.program, this.session, loader, { signal, onBatch, onLogits });
    signal?.throwIfAborted();
    const figures = classificationFigures(logits, Int32Array.from(test.labels));
    return { ...figures, classNames: dataset.classes, logits };
  }

  /**
   * What the network takes pictures for: PNG, JPEG, WebP, GIF, TIFF or AVIF, as paths or as bytes; a folder stands for the pictures in it.
   * Pictures of another size than the data set's are resized by their shorter side and cut to their middle.
   */
  async predict(images: readonly (string | Uint8Array)[], options: PredictOptions = {}): Promise<Prediction[]> {
    const { top = 5, onBroken, onPassedOver } = options;
    const passedOver = new PassedOverFiles();
    const sources = images.flatMap((source, index) =>
      typeof source === "string"
        ? imageFilesOf(source, passedOver).map((path) => ({ source: path as string | Uint8Array, name: path }))
        : [{ source, name: String(index) }],
    );
    if (onPassedOver) passedOver.list().forEach(onPassedOver);
    const { config, plan } = this.program;
    // The very step that evaluation takes: batches of another size may be computed by other kernels, with other bits.
    const batchSize = Math.min(config.train.evaluation.batch_size, plan.testImages);
    const views = testViews(config);
    const predictions: Prediction[] = [];
    for (let first = 0; first < sources.length; first += batchSize) {
      const group = sources.slice(first, first + batchSize);
      const read = await Promise.all(group.map(({ source }) => this.pixelsOf(source)));
      const readable = read.flatMap((found, index) => {
        const { name } = group[index]!;
        if (!(found instanceof BrokenImage)) return [{ pixels: found, name }];
        if (!onBroken) throw new UserError(`${name} ${found.message}`);
        onBroken(name, found.message);
        return [];
      });
      if (readable.length === 0) continue;
      const batch = batchOf(
        readable.map((one) => one.pixels),
        batchSize,
      );
      const { logits } = await evaluateBatch(views, this.session, batch);
      const classes = config.model.classifier.classes;
      for (const [index, { name }] of readable.entries()) {
        const own = logits.slice(index * classes, (index + 1) * classes);
        predictions.push({ image: name, classes: mostProbable(own, this.classNames, top), logits: own });
      }
    }
    return predictions;
  }

  async dispose(): Promise<void> {
    await this.session.dispose();
  }

  /** [height, width, channels] as the network takes them, or why there are none. */
  private async pixelsOf(source: string | Uint8Array): Promise<Uint8Array | BrokenImage> {
    const { data, model } = this.program.config;
    const { channels } = model.input;
    if (!isDecodable(channels)) {
      throw new UserError(`the network takes images of ${channels} channels; pictures have 1 or 3`);
    }
    const fit = pictureFit(data.dataset);
    try {
      const fitted = await readPicture(source, channels, fitting(fit, channels));
      if (data.resize === null) return fitted;
      const resized = new Uint8Array(data.resize.height * data.resize.width * channels);
      createResize(fit.size, data.resize, channels)(fitted, 0, resized, 0);
      return resized;
    } catch (error) {
      if (error instanceof BrokenImage) return error;
      throw error;
    }
  }
}

/** Filled up to `size` with black images, whose answers nobody reads. */
function batchOf(images: readonly Uint8Array[], size: number): Batch {
  const bytes = images[0]!.length;
  const batch = { count: size, images: new Uint8Array(size * bytes), labels: new Int32Array(size) };
  for (const [index, pixels] of images.entries()) batch.images.set(pixels, index * bytes);
  return batch;
}

function mostProbable(logits: Float32Array, names: readonly string[], count: number): Prediction["classes"] {
  return softmax(logits)
    .map((probability, index) => ({ name: names[index]!, probability }))
    .toSorted((one, other) => other.probability - one.probability)
    .slice(0, count);
}
