// `netc run FILE`: trains the network of a file, in a folder of its own, or goes on where a run stopped.
import type { Command } from "commander";
import { Option } from "commander";
import { engineNames } from "../../runtime/engines/index.js";
import { collect, deviceNamed, threadCount, wholeNumber } from "../screen/options.js";
import type { RunFlags } from "./run.js";

export function register(program: Command): void {
  program
    .command("run")
    .summary("train the network of a file")
    .description(
      "Trains the network that FILE describes and keeps everything about the run in one folder: the resolved" +
        " configuration, the event log, checkpoints, and the trained model as a tf.js model. " +
        "Ctrl-C ends the run after the step under way, with a checkpoint; a second Ctrl-C ends it at once.",
    )
    .argument("<file>", "the YAML file")
    .option("--set <path=value>", "set a value of the file, e.g. train.epochs=3 (may be repeated)", collect, [])
    .option("-o, --out <folder>", "the run's folder (default: a new one under runs/)")
    .option("--seed <number>", "the same as --set seed=<number>", wholeNumber(0))
    .option("--max-steps <number>", "stop after this many steps, with a checkpoint", wholeNumber(1))
    .addOption(new Option("--engine <name>", "what to train with").choices(["auto", ...engineNames]).default("auto"))
    .option("--device <device>", "what the engine computes on: cpu or gpu:N (default: cpu)", deviceNamed)
    .option(
      "--threads <number>",
      "threads of the engine (default: one per core); results do not depend on it",
      threadCount,
    )
    .option("-q, --quiet", "print warnings and the result alone", false)
    .option("--resume", "go on from the newest checkpoint of --out, or of the newest run of this name", false)
    .option(
      "--no-tune",
      "use the kernels that the compiler predicts to be fastest, the same on every machine, instead of measuring" +
        " them once per machine; results differ in their last bits",
    )
    .action(async (file: string, flags: RunFlags) => {
      const { run } = await import("./run.js");
      process.exitCode = await run(file, flags);
    });
}
