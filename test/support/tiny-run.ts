// One run of the tiny network on the fake session, in a folder of its own: what the tests of stops and resumptions vary.
import { readFile } from "node:fs/promises";
import { compileConfig } from "../../src/compiler/compile.js";
import type { ResolvedConfig } from "../../src/compiler/config.js";
import type { Program } from "../../src/compiler/program.js";
import { readNewestCheckpoint } from "../../src/runtime/run/checkpoint.js";
import { keepValidation } from "../../src/runtime/data/keep-validation.js";
import { createLoader } from "../../src/runtime/data/loader.js";
import { generateSynthetic } from "../../src/runtime/data/synthetic.js";
import { runFolderAt } from "../../src/runtime/run/run-folder.js";
import type { RunOptions, RunResult } from "../../src/runtime/run/run-training.js";
import { runTraining } from "../../src/runtime/run/run-training.js";
import type { TrainingEvent } from "../../src/runtime/training/training-events.js";
import { FakeSession } from "./fake-session.js";
import { tinyConfig } from "./tiny-config.js";

export function programOf(config: ResolvedConfig = tinyConfig()): Program {
  return compileConfig(config).value!;
}

export function loaderOf({ config, plan }: Program) {
  const { dataset } = config.data;
  if (typeof dataset === "string" || !("synthetic" in dataset)) throw new Error("tests of runs use generated images");
  const whole = generateSynthetic(dataset.synthetic, config.seed);
  return createLoader(keepValidation(whole, plan.validationImages, config.seed), config);
}

export interface TinyRun {
  readonly result: RunResult;
  readonly session: FakeSession;
}

/** Trains from the newest checkpoint in `path`, or from the start where there is none. */
export async function runTiny(
  path: string,
  program: Program,
  options: Partial<RunOptions> = {},
  session = new FakeSession(program),
): Promise<TinyRun> {
  const folder = runFolderAt(path);
  const { checkpoint } = await readNewestCheckpoint(folder.checkpoints, program);
  const engine = { name: "fake", version: "1" };
  const loader = loaderOf(program);
  const result = await runTraining(program, {
    folder,
    session,
    engine,
    loader,
    checkpoint,
    ...options,
  });
  return { result, session };
}

/** The events that training alone decides, without their times. */
export async function eventsIn(path: string): Promise<object[]> {
  const lines = (await readFile(runFolderAt(path).events, "utf8")).trim().split("\n");
  return timeless(lines.map((line) => JSON.parse(line) as TrainingEvent));
}

export function timeless(events: readonly TrainingEvent[]): object[] {
  return events
    .filter(({ event }) => event === "step" || event === "epoch" || event === "evaluation")
    .map((event) => Object.fromEntries(Object.entries(event).filter(([key]) => !/seconds$|PerSecond$/i.test(key))));
}
