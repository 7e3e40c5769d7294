// Program and trained state → a folder with model.json and weights.bin, which stock `tf.loadLayersModel` opens.
// The folder appears in full or not at all.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Program } from "../../../compiler/program.js";
import { buildTfjsModel, stateToTfjs, withoutStockLayer } from "../../../compiler/targets/tfjs.js";
import { loadTfjs } from "../../engines/tfjs/load-tfjs.js";
import type { State } from "../../engines/engine.js";
import { evaluatedState } from "../../run/load-run.js";
import { UserError } from "../../process/user-error.js";
import type { Preprocessing } from "../preprocessing.js";
import { preprocessingOf } from "../preprocessing.js";
import { makeFolder, publishFolder, renameInTime, temporaryName } from "../../files/write-file-atomically.js";

/** What a user of the model needs to know: the model takes normalised float images. */
export interface TfjsMetadata {
  readonly name: string;
  /** Extents of the map that the model takes, [height, width, channels]. */
  readonly input: readonly [height: number, width: number, channels: number];
  readonly preprocessing: Preprocessing;
  /** Names of the logits' classes, or only how many there are. */
  readonly classes: readonly string[] | number;
}

/**
 * Replaces `folder` by the model. `classes` names the logits in their order. What has to be done to a picture goes into
 * `userDefinedMetadata` of model.json.
 */
export async function saveTfjsModel(
  program: Program,
  state: State,
  folder: string,
  classes?: readonly string[],
): Promise<void> {
  const { modelJson, weights } = await tfjsFiles(program, state, classes);
  await makeFolder(dirname(folder));
  const temporary = temporaryName(folder);
  try {
    await mkdir(temporary);
    await writeFile(join(temporary, "model.json"), modelJson);
    await writeFile(join(temporary, WEIGHTS_FILE), weights);
    await replaceFolder(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

export const WEIGHTS_FILE = "weights.bin";

/** The contents of model.json and of the weights file that it names. */
export async function tfjsFiles(
  program: Program,
  state: State,
  classes: readonly string[] | undefined,
): Promise<{ modelJson: string; weights: Uint8Array }> {
  const lacking = withoutStockLayer(program.graph);
  if (lacking !== undefined) {
    throw new UserError(
      `the network has ${lacking}, for which TensorFlow.js has no stock layer; ` +
        "export it with `netc export onnx`, `netc export pytorch` or `netc export saved-model`",
    );
  }
  const tf = await loadTfjs();
  const model = buildTfjsModel(tf, program);
  try {
    stateToTfjs(tf, model, program.graph, evaluatedState(program, state));
    model.setUserDefinedMetadata({ ...metadataOf(program, classes) });
    let files: { modelJson: string; weights: Uint8Array } | undefined;
    // Without tfjs-node there is no file:// handler; the artifacts are handed over instead.
    const handler = tf.core.io.withSaveHandler(async (artifacts) => {
      const { weightSpecs, weightData, ...rest } = artifacts;
      const weightsManifest = [{ paths: [WEIGHTS_FILE], weights: weightSpecs }];
      files = {
        modelJson: `${JSON.stringify({ ...rest, weightsManifest })}\n`,
        weights: new Uint8Array(tf.core.io.CompositeArrayBuffer.join(weightData)),
      };
      return { modelArtifactsInfo: tf.core.io.getModelArtifactsInfoForJSON(artifacts) };
    });
    await model.save(handler);
    return files!;
  } finally {
    model.dispose();
  }
}

function metadataOf({ config }: Program, classes: readonly string[] | undefined): TfjsMetadata {
  const { input, classifier } = config.model;
  return {
    name: config.name,
    input: [input.height, input.width, input.channels],
    preprocessing: preprocessingOf(config, { layout: "NHWC", type: "float32" }),
    classes: classes ?? classifier.classes,
  };
}

/** A full folder cannot be replaced in one rename: the old model moves aside first, so that none is ever half new. */
async function replaceFolder(temporary: string, folder: string): Promise<void> {
  const old = temporaryName(folder);
  const existed = await renameInTime(folder, old).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );
  try {
    await publishFolder(temporary, folder);
  } catch (error) {
    if (existed) await renameInTime(old, folder);
    throw error;
  }
  if (existed) await rm(old, { recursive: true, force: true });
}
