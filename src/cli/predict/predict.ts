// The work of `netc predict`: pictures → the classes that a trained network gives them.
import type { Prediction } from "../../runtime/trained/trained-network.js";
import type { PassedOver } from "../../runtime/data/images/image-files.js";
import { READABLE } from "../../runtime/data/images/picture-formats.js";
import { countedKind } from "../../runtime/data/images/scan-images.js";
import { UserError } from "../../runtime/process/user-error.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import type { TrainedFlags } from "../load/open-trained.js";
import { openTrained } from "../load/open-trained.js";
import { formatPercent, tableLines } from "../screen/terminal.js";
import { jsonText, warnLine } from "../screen/print.js";

export interface PredictFlags extends TrainedFlags {
  readonly top: number;
}

/** Pictures that cannot be read are named, and the others are answered nevertheless; the exit code tells. */
export async function predict(run: string, images: readonly string[], flags: PredictFlags): Promise<ExitCode> {
  const network = await openTrained(run, flags);
  try {
    const broken: string[] = [];
    const onBroken = (image: string, reason: string): void => void broken.push(`${image} ${reason}`);
    const onPassedOver = ({ count, kind, first, way, isQuiet }: PassedOver): void => {
      if (!isQuiet)
        process.stderr.write(`not read: ${countedKind(count, kind)} (${count === 1 ? "" : "as "}${first}); ${way}\n`);
    };
    const predictions = await network.predict(images, { top: flags.top, onBroken, onPassedOver });
    if (predictions.length + broken.length === 0) {
      throw new UserError(`${images.join(", ")} holds no ${READABLE} picture`);
    }
    process.stdout.write(flags.format === "json" ? predictionsJson(predictions) : text(predictions));
    for (const fault of broken) warnLine(`error: ${fault}`);
    return broken.length > 0 ? exitCodes.inputHasErrors : exitCodes.done;
  } finally {
    await network.dispose();
  }
}

function predictionsJson(predictions: readonly Prediction[]): string {
  const plain = predictions.map(({ image, classes, logits }) => ({ image, classes, logits: [...logits] }));
  return jsonText(plain);
}

function text(predictions: readonly Prediction[]): string {
  if (predictions.length === 0) return "";
  const answers = (predictions[0]?.classes ?? []).map((_, index) => ({
    title: index === 0 ? "answer" : "",
    align: "left" as const,
  }));
  const rows = predictions.map(({ image, classes }) => [
    image,
    ...classes.map(({ name, probability }) => `${name} ${formatPercent(probability)}`),
  ]);
  return tableLines([{ title: "image", align: "left" }, ...answers], rows).join("\n") + "\n";
}
