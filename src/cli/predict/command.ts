// `netc predict RUN IMAGE…`: what a trained network takes pictures for.
import type { Command } from "commander";
import { wholeNumber } from "../screen/options.js";
import { trainedOptions } from "../evaluate/command.js";
import type { PredictFlags } from "./predict.js";

export function register(program: Command): void {
  const command = program
    .command("predict")
    .summary("ask a trained network what is in pictures")
    .description(
      "Names the most probable classes of each picture: PNG, JPEG, WebP, GIF, TIFF or AVIF, of any size. Pictures are prepared as test" +
        " images are in training; those of another size are resized by their shorter side and cropped to the centre.",
    )
    .argument("<run>", "a run folder, or one of its checkpoints")
    .argument("<image...>", "pictures, or folders of them")
    .option("--top <number>", "how many classes to name (default: 3)", wholeNumber(1), 3);
  trainedOptions(command).action(async (run: string, images: string[], flags: PredictFlags) => {
    const { predict } = await import("./predict.js");
    process.exitCode = await predict(run, images, flags);
  });
}
