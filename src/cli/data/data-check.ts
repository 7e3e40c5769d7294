// The work of `netc data check`: what is wrong or odd about a folder of images, in text or as data.
import type { ImagesReport } from "../../runtime/data/images/examine-images.js";
import { examineImages } from "../../runtime/data/images/examine-images.js";
import type { PassedOver } from "../../runtime/data/images/image-files.js";
import { countedKind } from "../../runtime/data/images/scan-images.js";
import type { ImageSize } from "../../runtime/data/resize.js";
import { showingProgress } from "./data-progress.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { counted, formatCount, formatPercent, tableLines } from "../screen/terminal.js";
import { printable } from "../../compiler/diagnostics/printable.js";
import { jsonText } from "../screen/print.js";

/** How many findings of each kind are named in text. */
const NAMED = 10;
/** A class with this many times the images of another is worth a word. */
const UNBALANCED = 3;

/** Ends with `inputHasErrors` where images cannot be read, contradict one another or leak, or a class has none. */
export async function checkData(folder: string, { format }: { readonly format: "text" | "json" }): Promise<ExitCode> {
  const report = await showingProgress((onProgress) => examineImages(folder, onProgress));
  process.stdout.write(format === "json" ? jsonText(report) : textOf(report));
  const { broken, contradictions, leaks, faults, classes } = report;
  const isFaulty =
    broken.length + contradictions.length + leaks.length > 0 ||
    faults.some(({ severity }) => severity === "error") ||
    classes.some(({ train }) => train === 0);
  return isFaulty ? exitCodes.inputHasErrors : exitCodes.done;
}

function textOf(report: ImagesReport): string {
  const { folder, hasSplit, classes, images, sizes, broken, duplicates, contradictions, leaks } = report;
  const split = hasSplit ? "with a split of its own" : "without a split of its own";
  const lines = [
    `${folder}: ${counted(images, "image")} in ${classes.length} classes, ${split}`,
    ...(sizes
      ? [`sizes ${sizeText(sizes.smallest)} to ${sizeText(sizes.largest)}, median ${sizeText(sizes.median)}`]
      : []),
    "",
    ...classTable(report),
    ...balance(report),
    ...findings(
      "cannot be read",
      broken.map(({ path, reason }) => `${path} ${reason}`),
    ),
    ...findings(
      "equal images",
      duplicates.map((paths) => paths.join(" = ")),
    ),
    ...findings(
      "equal images in several classes",
      contradictions.map((paths) => paths.join(" = ")),
    ),
    ...findings(
      "tested on, but also trained on",
      leaks.map(({ test, train }) => `${test} looks like ${train}`),
    ),
    ...findings("not read", report.passedOver.map(passedOverText)),
    ...otherFaults(report),
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

function passedOverText({ count, kind, first, way }: PassedOver): string {
  return `${countedKind(count, kind)} (${count === 1 ? "" : "as "}${first}): ${way}`;
}

/** What `netc check` says too, but for what is listed above. */
function otherFaults({ faults }: ImagesReport): string[] {
  const others = faults.filter(({ code }) => code !== "data/passed-over");
  return others.length === 0
    ? []
    : ["", ...others.flatMap(({ severity, message, hint }) => [`${severity}: ${message}`, `  hint: ${hint}`])];
}

function classTable({ classes, images, hasSplit }: ImagesReport): string[] {
  const right = (title: string) => ({ title, align: "right" as const });
  const columns = [{ title: "class", align: "left" as const }, right(hasSplit ? "train" : "images")];
  return tableLines(
    [...columns, ...(hasSplit ? [right("test")] : []), right("share")],
    classes.map(({ name, train, test }) => [
      name,
      formatCount(train),
      ...(hasSplit ? [formatCount(test)] : []),
      formatPercent((train + test) / Math.max(1, images)),
    ]),
  );
}

function balance({ classes }: ImagesReport): string[] {
  const sorted = classes.toSorted((one, other) => one.train - other.train);
  const [least, most] = [sorted[0]!, sorted.at(-1)!];
  if (least.train === 0) return ["", `${least.name} has no readable training images`];
  if (most.train < UNBALANCED * least.train) return [];
  return [
    "",
    `unbalanced: ${most.name} has ${(most.train / least.train).toFixed(1)} times the images of ${least.name}`,
  ];
}

function findings(title: string, found: readonly string[]): string[] {
  if (found.length === 0) return [];
  const rest = found.length > NAMED ? [`  and ${formatCount(found.length - NAMED)} more (--format json has all)`] : [];
  return ["", `${title}: ${formatCount(found.length)}`, ...found.slice(0, NAMED).map((line) => `  ${line}`), ...rest];
}

function sizeText({ height, width }: ImageSize): string {
  return `${width}×${height}`;
}
