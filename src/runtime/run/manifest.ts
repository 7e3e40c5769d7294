// A checkpoint's manifest: its text ↔ the run's progress, the kernels and a digest per file. The last line is the digest of all
// that stands before it, so that no bit of the text can change unnoticed.
import type { Program } from "../../compiler/program.js";
import { sha256Of } from "../files/digest.js";
import { isCount, isRecord, parseJson } from "../files/parse-json.js";
import { UserError } from "../process/user-error.js";
import type { PastEvaluation, Progress } from "../training/training-progress.js";

export interface Manifest {
  readonly progress: Progress;
  /** Kernels that the run's session had chosen by measurement. */
  readonly kernels: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<FileName, { readonly bytes: number; readonly sha256: string }>>;
}

export const FILES = ["weights.safetensors", "optimizer.safetensors"] as const;
export type FileName = (typeof FILES)[number];

/**
 * More than one bit from the format before, which had no digest: no flip of a bit makes this one look like that. The format
 * before is still read; it has no other keys than these.
 */
export const FORMAT = "netc-checkpoint-4";
const WITHOUT_DIGEST = "netc-checkpoint-2";
const KEYS_WITHOUT_DIGEST = new Set(["format", "progress", "kernels", "files"]);

export function encodeManifest({ progress, kernels, files }: Manifest): string {
  const whole = JSON.stringify({ format: FORMAT, progress, kernels, files }, null, 2);
  const head = whole.slice(0, -"\n}".length);
  return head + tailOf(head);
}

function tailOf(head: string | Uint8Array): string {
  return `,\n  "checksum": "${sha256Of(head)}"\n}\n`;
}

const TAIL_LENGTH = tailOf("").length;

/**
 * The manifest, or one clause that says what is wrong with it. What it tells of the run must be possible under `program`.
 * @throws UserError where another version of netc has written it.
 */
export function decodeManifest(bytes: Uint8Array, folder: string, program: Program): Manifest | string {
  const head = bytes.subarray(0, Math.max(0, bytes.length - TAIL_LENGTH));
  const hasDigest = tailOf(head) === Buffer.from(bytes.subarray(head.length)).toString("latin1");
  let content: unknown;
  try {
    content = parseJson(bytes);
  } catch (error) {
    if (error instanceof SyntaxError) return "is damaged";
    throw error;
  }
  if (!isRecord(content)) return "is damaged";
  const { format, progress, kernels = {}, files } = content;
  if (!hasDigest) {
    if ("checksum" in content || format === FORMAT) return "does not match its checksum";
    if (format === WITHOUT_DIGEST && !Object.keys(content).every((key) => KEYS_WITHOUT_DIGEST.has(key)))
      return "is damaged";
  }
  if (format !== FORMAT && format !== WITHOUT_DIGEST) {
    if (typeof format !== "string" || !/^netc-checkpoint-\d{1,9}$/.test(format)) return "is damaged";
    throw new UserError(
      `${folder} was saved by another version of netc: its format is ${format}, and this one reads ${FORMAT}`,
    );
  }
  if (!isRecord(kernels) || !Object.values(kernels).every((name) => typeof name === "string")) return "is damaged";
  if (!areFiles(files)) return `does not name the files that a checkpoint has, ${FILES.join(" and ")}`;
  const fault = faultOfProgress(progress, program);
  if (fault !== undefined) return `describes a run that cannot exist: ${fault}`;
  return { progress: withNumbers(progress as Progress), kernels: kernels as Manifest["kernels"], files };
}

function areFiles(files: unknown): files is Manifest["files"] {
  if (!isRecord(files) || Object.keys(files).toSorted().join() !== FILES.toSorted().join()) return false;
  return Object.values(files).every(
    (file) => isRecord(file) && isCount(file["bytes"]) && /^[0-9a-f]{64}$/.test(String(file["sha256"])),
  );
}

type Field = (value: unknown, progress: Progress, program: Program) => boolean;
const isNumber: Field = (value) => typeof value === "number" && Number.isFinite(value);
const isDuration: Field = (value) => Number.isFinite(value) && (value as number) >= 0;
/** JSON has null for a loss that is not finite. */
const isLoss = (value: unknown): boolean => value === null || Number.isFinite(value);
const isShare = (value: unknown): boolean => Number.isFinite(value) && (value as number) >= 0 && (value as number) <= 1;

/** In the order in which they are looked at: a field may rely on those before it. */
const FIELDS: Readonly<Record<keyof Progress, Field>> = {
  step: (value, _, { plan }) => isCount(value) && value <= plan.steps,
  epochsClosed: (value, { step }, { plan, config }) =>
    isCount(value) &&
    value <= config.train.epochs &&
    value * plan.stepsPerEpoch <= step &&
    step <= (value + 1) * plan.stepsPerEpoch,
  skipped: (value, { step }) => isCount(value) && value <= step,
  lossSum: isNumber,
  images: (value, { step, epochsClosed }, { plan, config }) =>
    isCount(value) &&
    value <= Math.min(plan.trainImages, (step - epochsClosed * plan.stepsPerEpoch) * config.train.batch_size),
  correct: (value, { images }) => isDuration(value, {} as Progress, {} as Program) && (value as number) <= images,
  epochSeconds: isDuration,
  elapsedSeconds: isDuration,
  evaluations: (value, { step }) => Array.isArray(value) && areEvaluations(value, step),
  lastEvaluation: (value, _, { config }) =>
    value === null ||
    (isRecord(value) &&
      isCount(value["epoch"]) &&
      value["epoch"] >= 1 &&
      value["epoch"] <= config.train.epochs &&
      isLoss(value["loss"]) &&
      isShare(value["accuracy"])),
};

function areEvaluations(evaluations: readonly unknown[], step: number): evaluations is PastEvaluation[] {
  let before = 0;
  return evaluations.every((evaluation) => {
    if (!isRecord(evaluation)) return false;
    const { step: at, loss, accuracy } = evaluation;
    const isLater = isCount(at) && at > before && at <= step;
    before = Number(at);
    return isLater && isLoss(loss) && isShare(accuracy);
  });
}

function faultOfProgress(progress: unknown, program: Program): string | undefined {
  if (!isRecord(progress)) return "it has no progress";
  for (const [name, isPossible] of Object.entries(FIELDS)) {
    const value = Object.hasOwn(progress, name) ? progress[name] : undefined;
    if (isPossible(value, progress as unknown as Progress, program)) continue;
    const isShort = value !== undefined && !(typeof value === "object" && value !== null);
    const shown = isShort ? ` of ${JSON.stringify(value).slice(0, 40)}` : "";
    return `its ${name}${shown} is not one of a run of ${program.plan.steps} steps`;
  }
  return undefined;
}

function withNumbers(progress: Progress): Progress {
  const withLoss = <T extends { readonly loss: number | null }>(found: T) => ({
    ...found,
    loss: found.loss ?? Number.NaN,
  });
  const { evaluations, lastEvaluation } = progress;
  return {
    ...progress,
    evaluations: evaluations.map(withLoss),
    lastEvaluation: lastEvaluation && withLoss(lastEvaluation),
  };
}
