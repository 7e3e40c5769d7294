// A run's folder → its newest checkpoint that is whole, by the configuration that lies beside it.
import { readNewestCheckpoint } from "../../src/runtime/run/checkpoint.js";
import { loadProgram } from "../../src/runtime/run/load-run.js";

export async function newestIn(path: string): ReturnType<typeof readNewestCheckpoint> {
  const { folder, program } = await loadProgram(path);
  return await readNewestCheckpoint(folder.checkpoints, program);
}
