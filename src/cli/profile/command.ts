// `netc profile FILE`: where the time of a training step or an evaluation goes, kernel by kernel, beside what this machine can do at best.
import type { Command } from "commander";
import { collect, formats, threadCount, wholeNumber } from "../screen/options.js";
import type { ProfileFlags } from "./profile.js";

export function register(program: Command): void {
  formats(program.command("profile"))
    .summary("time every kernel of a training step or an evaluation")
    .description(
      "Runs training steps of FILE's network on random images (no data set is needed) on the wasm engine, and prints " +
        "where the time goes: by kernel, by pass, and by layer and pass, compared with what this machine can do, " +
        "which is measured first. With --evaluate, the same for an evaluation. Nothing but the trace is written.",
    )
    .argument("<file>", "the YAML file")
    .option("--set <path=value>", "set a value of the file (may be repeated)", collect, [])
    .option("--threads <number>", "threads of the engine (default: one per core)", threadCount)
    .option("--evaluate", "time the evaluation of train.evaluation.batch_size images instead of a training step")
    .option("--steps <number>", "steps, or evaluations, to take the medians of", wholeNumber(1), 10)
    .option("--trace <file>", "also write the step as Chrome trace events (for about:tracing or ui.perfetto.dev)")
    .action(async (file: string, flags: ProfileFlags) => {
      const { profile } = await import("./profile.js");
      process.exitCode = await profile(file, flags);
    });
}
