// The work of `netc data show`: the first training images of a file as the network is given them, augmented, in one picture.
import { classNames } from "../../runtime/data/class-names.js";
import { createLoader } from "../../runtime/data/loader.js";
import { openDataset } from "../../runtime/data/open-dataset.js";
import type { SheetImage } from "../../runtime/data/pictures/contact-sheet.js";
import { contactSheet } from "../../runtime/data/pictures/contact-sheet.js";
import type { Batch } from "../../runtime/engines/engine.js";
import { refuseUnwritable, writeOutput } from "../../runtime/files/output-file.js";
import { showingProgress } from "./data-progress.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { loadPrepared } from "../load/load-prepared.js";
import { formatPercent } from "../screen/terminal.js";
import { printLine } from "../screen/print.js";

export interface ShowFlags {
  readonly set: readonly string[];
  readonly out: string;
  readonly count: number;
  readonly epoch: number;
}

const COLUMNS = 8;

export async function showData(path: string, { set, out, count, epoch }: ShowFlags): Promise<ExitCode> {
  await refuseUnwritable(out);
  const file = await loadPrepared(path, set);
  if (!file) return exitCodes.inputHasErrors;
  const { config } = file;
  const dataset = await showingProgress((onProgress) => openDataset(config.data, config.seed, onProgress));
  const loader = createLoader(dataset, config);
  const names = classNames(config);
  const { height, width, channels } = config.model.input;
  const images: SheetImage[] = [];
  for (let index = 0; index < loader.batchesPerEpoch && images.length < count; index++) {
    images.push(...imagesOf(loader.train(epoch - 1, index), height * width * channels, names));
  }
  await writeOutput(out, await contactSheet(images.slice(0, count), { height, width, channels, columns: COLUMNS }));
  printLine(out);
  return exitCodes.done;
}

/** Copies: the loader uses its buffers again. */
function imagesOf({ count, images, labels, mixed }: Batch, bytes: number, names: readonly string[]): SheetImage[] {
  return Array.from({ length: count }, (_, index) => {
    const share = mixed?.shares[index] ?? 1;
    const own = names[labels[index]!]!;
    const other = mixed && share < 1 ? [`+ ${names[mixed.labels[index]!]} ${formatPercent(1 - share)}`] : [];
    return { pixels: images.slice(index * bytes, (index + 1) * bytes), caption: [own, ...other] };
  });
}
