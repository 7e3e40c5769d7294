// A run on netc's own engine, a part at a time, and what it left: for the tests that stop runs and resume them.
import { expect } from "vitest";
import type { Program } from "../../src/compiler/program.js";
import { readNewestCheckpoint } from "../../src/runtime/run/checkpoint.js";
import { newestIn } from "./newest-in.js";
import { openWasmSession } from "../../src/runtime/engines/wasm/session.js";
import { runFolderAt } from "../../src/runtime/run/run-folder.js";
import type { RunResult } from "../../src/runtime/run/run-training.js";
import { runTraining } from "../../src/runtime/run/run-training.js";
import { eventsIn, loaderOf } from "./tiny-run.js";

/** Goes on from the newest checkpoint, up to a step. */
export async function runPart(path: string, program: Program, threads: number, maxSteps?: number): Promise<RunResult> {
  const folder = runFolderAt(path);
  const { checkpoint } = await readNewestCheckpoint(folder.checkpoints, program);
  const session = await openWasmSession(program, threads);
  try {
    const engine = { name: "wasm", version: "1" };
    return await runTraining(program, { folder, session, engine, loader: loaderOf(program), checkpoint, maxSteps });
  } finally {
    await session.dispose();
  }
}

/** All that a run decided, without its times. */
export async function outcomeOf(path: string) {
  const { checkpoint, broken } = await newestIn(path);
  expect(broken).toEqual([]);
  const { progress, state } = checkpoint!;
  const { epochSeconds: _, elapsedSeconds: __, ...counted } = progress;
  return { counted, state, events: await eventsIn(path) };
}
