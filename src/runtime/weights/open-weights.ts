// A path → the weights there, whatever their format: a file of safetensors or torch.save, a run of netc or one of its checkpoints.
import { basename, dirname, join, resolve } from "node:path";
import { toPytorch } from "../../compiler/targets/pytorch-layout.js";
import { classNames } from "../data/class-names.js";
import { unreadable } from "../files/if-there.js";
import { UserError } from "../process/user-error.js";
import { isCheckpointPath } from "../run/checkpoint.js";
import { evaluatedState, isFolder } from "../run/load-run.js";
import { loadTrained } from "../trained/load-trained.js";
import type { ByteSource } from "./formats/byte-source.js";
import { openByteSource, UnreadableWeights } from "./formats/byte-source.js";
import { readSafetensors } from "./formats/read-safetensors.js";
import { readTorchStream, readTorchZip } from "./formats/read-torch.js";
import type { WeightsFile } from "./formats/weights-file.js";

export interface OpenedWeights extends WeightsFile {
  /** As it was named. */
  readonly path: string;
  /** The file itself: of a run, the weights of its newest checkpoint. */
  readonly file: string;
}

/** The caller closes it. @throws UserError where there is none, or what is there holds no weights that netc reads. */
export async function openWeights(path: string): Promise<OpenedWeights> {
  const place = resolve(path);
  if ((await isFolder(place)) || isCheckpointPath(place)) return await weightsOfRun(path);
  // The file in a checkpoint lies as the engine has it
  if (isCheckpointPath(dirname(place))) return openWeights(dirname(place));
  let source: ByteSource;
  try {
    source = await openByteSource(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") throw new UserError(`there is no file of weights at ${path}`);
    throw unreadable(path, error);
  }
  try {
    return { path, file: path, ...(await sentencesOf(path, () => readWeights(source))) };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Its tensors' `read` throws UnreadableWeights. */
export async function readWeights(source: ByteSource): Promise<WeightsFile> {
  const beginning = await source.read(0, Math.min(source.size, LONGEST_SIGNATURE));
  const text = Buffer.from(beginning).toString("latin1");
  const known = SIGNATURES.find(([signature]) => text.startsWith(signature));
  if (!known) return readSafetensors(source);
  const [, found] = known;
  if (typeof found !== "string") return found(source);
  throw new UnreadableWeights(found);
}

type Reader = (source: ByteSource) => Promise<WeightsFile>;

/** What a file begins with that is no safetensors: how it is read, or what is to be done about it. */
const SIGNATURES: readonly (readonly [beginning: string, found: Reader | string])[] = [
  ["PK\u0003\u0004", readTorchZip],
  ["\u0080", readTorchStream],
  ["\u0089HDF", "is an HDF5 file, as Keras writes; save the weights with PyTorch or as safetensors"],
  ["\u001f\u008b", "is packed by gzip; unpack it first"],
  ["GGUF", "is a GGUF file, which holds language models"],
  ["version https://git-lfs", "is only a pointer to a file in Git LFS; fetch the file itself, as with `git lfs pull`"],
  ["<", "is a page of the web, not the file that it was to be; fetch the file itself"],
];
const LONGEST_SIGNATURE = 32;

/** Runs what reads the file; what is wrong with it becomes a sentence about it. */
export async function sentencesOf<T>(path: string, reading: () => Promise<T>): Promise<T> {
  try {
    return await reading();
  } catch (error) {
    if (error instanceof UnreadableWeights) throw new UserError(`${path} ${error.message}`);
    throw error;
  }
}

/** What evaluation uses of it: the averages, where the run keeps them. */
async function weightsOfRun(path: string): Promise<OpenedWeights> {
  const { program, checkpoint } = await loadTrained(path);
  const tensors = toPytorch(program.graph, evaluatedState(program, checkpoint.state));
  return {
    path,
    file: join(checkpoint.folder, "weights.safetensors"),
    format: `netc, ${basename(checkpoint.folder)}`,
    tensors: [...tensors].map(([name, { shape, data }]) => ({ name, dtype: "F32", shape, read: async () => data })),
    isInOrder: true,
    wrappers: [],
    others: 0,
    objects: [],
    metadata: {
      classes: JSON.stringify(classNames(program.config)),
      normalize: JSON.stringify(program.config.data.normalize),
    },
    close: async () => {},
  };
}
