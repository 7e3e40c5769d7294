// `netc evaluate RUN`: how good a trained network is on its test images, class by class, and where it is wrong.
import type { Command } from "commander";
import { Option } from "commander";
import { engineNames } from "../../runtime/engines/index.js";
import { deviceNamed, formats, threadCount } from "../screen/options.js";
import type { EvaluateFlags } from "./evaluate.js";

export function register(program: Command): void {
  const command = program
    .command("evaluate")
    .summary("measure a trained network on its test images")
    .description(
      "Evaluates the newest checkpoint of a run, or the checkpoint that is named, on the run's test images: accuracy," +
        " precision and recall of each class, the confusion matrix, and how far its confidence can be trusted." +
        " With --sheet, draws the images that it is most wrong about.",
    )
    .argument("<run>", "a run folder, or one of its checkpoints")
    .option("--sheet <file>", "write the most wrong images as a PNG");
  trainedOptions(command).action(async (run: string, flags: EvaluateFlags) => {
    const { evaluateRun } = await import("./evaluate.js");
    process.exitCode = await evaluateRun(run, flags);
  });
}

export const BEST = "use the checkpoint of the run's best evaluation, which train.checkpoints.keep_best keeps";

/** As `TrainedFlags` holds them. */
export function trainedOptions(command: Command): Command {
  return formats(command)
    .addOption(new Option("--engine <name>", "what to compute with").choices(["auto", ...engineNames]).default("auto"))
    .option("--device <device>", "what the engine computes on: cpu or gpu:N (default: cpu)", deviceNamed)
    .option("--threads <number>", "threads of the engine (default: one per core)", threadCount)
    .option("--best", BEST, false)
    .option("--no-tune", "use the kernels that the compiler predicts to be fastest instead of the run's own");
}
