// `train.start` of a Program → its weights in a session, and where they came from; or what stands in the way, as diagnostics.
import { join } from "node:path";
import type { StartConfig } from "../../compiler/config.js";
import type { Diagnostic } from "../../compiler/diagnostics/diagnostic.js";
import type { Program } from "../../compiler/program.js";
import { fromPytorch } from "../../compiler/targets/pytorch-layout.js";
import { averageName, averagesWeights } from "../../compiler/training/weight-average.js";
import type { OnDataProgress } from "../data/progress.js";
import type { Session } from "../engines/engine.js";
import { UserError } from "../process/user-error.js";
import { sha256OfFile } from "./digest-of-file.js";
import { cachedWeights, fetchWeights, hasCachedWeights } from "./fetch-weights.js";
import { matchFaults } from "./match-faults.js";
import type { WeightMatch } from "./match-weights.js";
import { matchWeights } from "./match-weights.js";
import type { OpenedWeights } from "./open-weights.js";
import { openWeights, sentencesOf } from "./open-weights.js";
import type { Provenance } from "./run-start.js";

export interface StartOptions {
  readonly onProgress?: OnDataProgress;
  readonly signal?: AbortSignal | undefined;
  /** What paths are relative to; the folder that netc runs in without it. */
  readonly folder?: string;
}

/** What is wrong with the weights to start from, without reading their data or fetching anything. */
export async function startFaults(program: Program, { folder = "" }: StartOptions = {}): Promise<Diagnostic[]> {
  const { start } = program.config.train;
  if (start === null || (isAddress(start) && !(await hasCachedWeights(start.sha256!)))) return [];
  try {
    const { weights, match, close } = await openStart(start, { folder }, program.graph);
    await close();
    const digest = start.sha256 === null && !hasDigestInName(start) ? undefined : await sha256OfFile(weights.file);
    return [...digestFaults(start, digest), ...matchFaults(match, start)];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const path = ["train", "start", "weights"];
    return [{ code: "start/unreadable", severity: "error", message: error.message, path, hint: HINT }];
  }
}

const HINT =
  "name a .safetensors file, one that torch.save wrote, a run of netc, or an https address with its `sha256`";

/** Fetches the weights where they lie at an address. @throws UserError where they cannot be had, or `startFaults` finds one. */
export async function fetchStart(program: Program, options: StartOptions = {}): Promise<void> {
  const { start } = program.config.train;
  if (start === null || !isAddress(start)) return;
  await fetchWeights(start.weights, start.sha256!, options);
  refuse(await startFaults(program, options));
}

/**
 * Writes the weights that `train.start` names into a session in its initial state, tensor by tensor; averages begin with the same.
 * Undefined where it names none. @throws UserError where they cannot be read, or `startFaults` finds a fault
 */
export async function startFrom(
  program: Program,
  session: Pick<Session, "writeState">,
  options: StartOptions = {},
): Promise<Provenance | undefined> {
  const { config, graph } = program;
  const { start } = config.train;
  if (start === null) return undefined;
  if (isAddress(start)) await fetchWeights(start.weights, start.sha256!, options);
  const { weights, match, close } = await openStart(start, options, graph);
  try {
    const sha256 = await sha256OfFile(weights.file);
    refuse([...digestFaults(start, sha256), ...matchFaults(match, start)]);
    for (const { tensor, stored } of match.pairs) {
      const data = await sentencesOf(weights.path, stored.read);
      requireFinite(data, stored.name, weights.path);
      const own = fromPytorch(graph, tensor.name, data);
      const names = [tensor.name, ...(averagesWeights(config.train) ? [averageName(tensor.name)] : [])];
      await session.writeState(new Map(names.map((name) => [name, own])));
    }
    return {
      weights: start.weights,
      sha256,
      format: weights.format,
      how: match.how,
      taken: match.pairs.length,
      fresh: match.fresh.map(({ name }) => name),
      skipped: match.skipped.map(({ name }) => name),
    };
  } finally {
    await close();
  }
}

function refuse(faults: readonly Diagnostic[]): void {
  const [first, ...others] = faults.map(({ message }) => `train.start: ${message}`);
  if (first !== undefined) throw new UserError(first, others);
}

function isAddress({ weights }: StartConfig): boolean {
  return weights.startsWith("https://");
}

interface OpenedStart {
  readonly weights: OpenedWeights;
  readonly match: WeightMatch;
  readonly close: () => Promise<void>;
}

async function openStart(
  start: StartConfig,
  { folder = "" }: StartOptions,
  graph: Program["graph"],
): Promise<OpenedStart> {
  const path = isAddress(start) ? cachedWeights(start.sha256!) : join(folder, start.weights);
  const weights = await openWeights(path);
  return { weights, match: matchWeights(graph, weights, start), close: weights.close };
}

/** torchvision names a file for the first digits of its SHA-256: resnet50-11ad3fa6.pth. */
const DIGEST_IN_NAME = /-([0-9a-f]{8})\.\w+$/;

function hasDigestInName({ weights }: StartConfig): boolean {
  return DIGEST_IN_NAME.test(weights);
}

function digestFaults({ weights, sha256: wanted }: StartConfig, found: string | undefined): Diagnostic[] {
  const beginning = wanted ?? DIGEST_IN_NAME.exec(weights)?.[1];
  if (found === undefined || beginning === undefined || found.startsWith(beginning)) return [];
  const expected = wanted === null ? `one that begins with ${beginning}, as its name says` : beginning;
  return [
    {
      code: "start/other-file",
      severity: "error",
      message: `${weights} has the SHA-256 ${found}, expected ${expected}`,
      path: ["train", "start", wanted === null ? "weights" : "sha256"],
      hint: "fetch the file again; if it is the one that you mean, correct the digest, or the digits in its name",
    },
  ];
}

function requireFinite(data: Float32Array, name: string, path: string): void {
  if (data.every(Number.isFinite)) return;
  throw new UserError(
    `${path} holds values in ${JSON.stringify(name)} that are NaN or infinite; training cannot start from them`,
  );
}
