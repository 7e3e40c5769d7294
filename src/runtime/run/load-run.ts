// A run's folder → the network as it was trained so far: its Program, and the newest checkpoint that is whole.
import { stat } from "node:fs/promises";
import { compileText } from "../../compiler/compile.js";
import { firstError, hasErrors } from "../../compiler/diagnostics/diagnostic.js";
import { parametersOf, statisticsOf } from "../../compiler/network/parameters.js";
import type { YamlFile } from "../../compiler/front/parse.js";
import type { Program } from "../../compiler/program.js";
import { averageName, averagesWeights } from "../../compiler/training/weight-average.js";
import type { BrokenCheckpoint, Checkpoint } from "./checkpoint.js";
import { readNewestCheckpoint } from "./checkpoint.js";
import type { State } from "../engines/engine.js";
import { ifThere } from "../files/if-there.js";
import type { RunFolder } from "./run-folder.js";
import { readRunConfig, runFolderAt } from "./run-folder.js";
import { shellWord } from "../process/shell-word.js";
import { UserError } from "../process/user-error.js";

export interface LoadedRun {
  readonly folder: RunFolder;
  /** The run's config.yaml, which `program` was compiled from. */
  readonly file: YamlFile;
  readonly program: Program;
  /** The one that `netc run --resume` would go on from. */
  readonly checkpoint: Checkpoint;
  /** Newer ones that were passed over because they are broken. */
  readonly broken: readonly BrokenCheckpoint[];
}

/** Throws a UserError where `path` holds no run, no whole checkpoint, or a run of another version of netc. */
export async function loadRun(path: string): Promise<LoadedRun> {
  const run = await loadProgram(path);
  const { checkpoint, broken } = await readNewestCheckpoint(run.folder.checkpoints, run.program);
  if (!checkpoint) {
    const reasons = broken.map(({ folder: at, reason }) => `  ${at}: ${reason}`);
    throw new UserError(`${path} holds no intact checkpoint`, [
      ...reasons,
      `go on training with \`netc run --resume --out ${shellWord(path)}\` to make one`,
    ]);
  }
  return { ...run, checkpoint, broken };
}

/** What a run's folder says of its network, whatever was trained of it. Throws a UserError as `loadRun`. */
export async function loadProgram(path: string): Promise<Pick<LoadedRun, "folder" | "file" | "program">> {
  if (!(await isFolder(path))) {
    throw new UserError(
      `there is no run at ${path}; name the folder that \`netc run\` printed, such as runs/NAME-DATE`,
    );
  }
  const folder = runFolderAt(path);
  const { value: program, file, diagnostics } = compileText(await readRunConfig(folder), folder.config);
  if (!program || !file || hasErrors(diagnostics)) {
    throw new UserError(`${folder.config} cannot be read by this version of netc: ${firstError(diagnostics)}`);
  }
  return { folder, file, program };
}

export async function isFolder(path: string): Promise<boolean> {
  return (await ifThere(path, stat(path)))?.isDirectory() ?? false;
}

/** Parameters and running statistics that evaluation uses: the averages, where the file asks for them. */
export function evaluatedState({ graph, config }: Program, state: State): State {
  const names = [...parametersOf(graph), ...statisticsOf(graph)].map(({ name }) => name);
  const nameIn = averagesWeights(config.train) ? averageName : (name: string) => name;
  return new Map(names.map((name) => [name, state.get(nameIn(name))!]));
}
