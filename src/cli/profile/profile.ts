// The work of `netc profile`: has some training steps or evaluations timed and what the machine can do, and prints one beside
// the other.
import { availableParallelism, cpus } from "node:os";
import type { Program } from "../../compiler/program.js";
import { chooseEngine } from "../../runtime/engines/index.js";
import { refuseUnwritable, writeOutput } from "../../runtime/files/output-file.js";
import { printable } from "../../compiler/diagnostics/printable.js";
import type { ExitCode } from "../screen/exit-codes.js";
import { exitCodes } from "../screen/exit-codes.js";
import { loadFile } from "../load/load-file.js";
import type { MeasuredStep } from "./measure-step.js";
import type { Measurand } from "./measure-step.js";
import { measureStep } from "./measure-step.js";
import type { Total } from "./profile-step.js";
import { median } from "./profile-step.js";
import { traceJson } from "./profile-trace.js";
import type { Column } from "../screen/terminal.js";
import { formatScaled, tableLines } from "../screen/terminal.js";
import { jsonText } from "../screen/print.js";

export interface ProfileFlags {
  readonly set: readonly string[];
  readonly threads?: number;
  readonly steps: number;
  readonly evaluate?: true;
  readonly format: "text" | "json";
  readonly trace?: string;
}

export async function profile(file: string, flags: ProfileFlags): Promise<ExitCode> {
  const { trace } = flags;
  if (trace !== undefined) await refuseUnwritable(trace);
  const threads = flags.threads ?? availableParallelism();
  const loaded = await loadFile(file, flags.set, { engine: "wasm", threads });
  if (!loaded) return exitCodes.inputHasErrors;
  const { program } = loaded;
  await chooseEngine("wasm"); // says what is missing where it cannot run

  const measurand: Measurand = flags.evaluate ? "evaluation" : "training";
  const { calls, ...measured } = await measureStep(program, threads, flags.steps, measurand);
  const report: Report = { program, threads, measurand, ...measured };
  if (trace !== undefined) await writeOutput(trace, traceJson(calls, program.config.name));
  process.stdout.write(FORMATS[flags.format](report));
  return exitCodes.done;
}

interface Report extends Omit<MeasuredStep, "calls"> {
  readonly program: Program;
  readonly threads: number;
  readonly measurand: Measurand;
}

const FORMATS: Readonly<Record<ProfileFlags["format"], (report: Report) => string>> = {
  text: profileText,
  json: profileJson,
};

const RATES: readonly Column[] = [
  { title: "ms", align: "right" },
  { title: "share", align: "right" },
  { title: "GFLOP/s", align: "right" },
  { title: "GB/s", align: "right" },
  { title: "of peak", align: "right" },
];

/** What the columns count, and what stands between a figure and its peak. */
const NOTES: readonly string[] = [
  `GFLOP/s are two for each multiply-add of the direct algorithm; GB/s are the bytes that an operation must move, each operand once,
with the lanes that fill up its channels.`,
  `The share of the peak is of multiply-adds (FMA) where there are any, else of copying. Up to it a product lacks what it takes to load
and store its factors, borders, and barriers between calls; a pass over maps what it reads twice, and arithmetic.`,
];
const BEYOND = `"1.9× FMA" is beyond the peak: Winograd's algorithm multiplies less often than the direct one, maps that lie in a cache are
copied faster than memory, and code leaves out what meets padding.`;

/** What one of those that are timed is called. */
const NOUNS: Readonly<Record<Measurand, string>> = { training: "step", evaluation: "evaluation" };

function profileText({ program, threads, measurand, images, peak, steps, step }: Report): string {
  const noun = NOUNS[measurand];
  const milliseconds = median(steps);
  const lines = [
    `${printable(program.config.name)}, ${images} images ${indefinite(noun)}, ${threads} ${threads === 1 ? "thread" : "threads"}, ` +
      `medians of ${steps.length} ${noun}${steps.length === 1 ? "" : "s"} on random images`,
    `${milliseconds.toFixed(1)} ms ${indefinite(noun)}, ${((images / milliseconds) * 1000).toFixed(0)} images/s without data`,
    `peaks here, by ${peak.instructions}: ${formatScaled(peak.flopsPerSecond)}FLOP/s of multiply-adds, ${formatScaled(peak.bytesPerSecond)}B/s copied`,
    "",
    ...tableLines(
      [{ title: "kernel", align: "left" }, { title: "calls", align: "right" }, ...RATES],
      step.kernels.map((total) => [total.kernel, String(total.calls), ...rateCells(total)]),
    ),
    "",
    ...tableLines(
      [{ title: "pass", align: "left" }, { title: "calls", align: "right" }, ...RATES],
      step.passes.map((total) => [total.pass, String(total.calls), ...rateCells(total)]),
    ),
    "",
    ...tableLines(
      [
        { title: "layer", align: "left" },
        { title: "pass", align: "left" },
        ...RATES,
        { title: "kernels", align: "left" },
      ],
      step.layers.map((total) => [total.layer, total.pass, ...rateCells(total), total.kernels.join(", ")]),
    ),
    "",
  ];
  const isBeyond = [...step.kernels, ...step.passes, ...step.layers].some(
    ({ shareOfPeak }) => (shareOfPeak ?? 0) > WHOLE,
  );
  return `${lines.join("\n")}\n${[...NOTES, ...(isBeyond ? [BEYOND] : [])].join("\n")}\n`;
}

/** Beyond it by what a measurement of the peak may be off is no more than the peak. */
const WHOLE = 1.05;

function peakText(share: number | null, peak: Total["peak"]): string {
  if (share === null) return "-";
  const amount = share > WHOLE ? `${share.toFixed(1)}×` : `${Math.min(100, share * 100).toFixed(0)}%`;
  return `${amount} ${peak === "copy" ? "copy" : "FMA"}`;
}

function indefinite(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}

function rateCells({
  milliseconds,
  share,
  gigaflopsPerSecond,
  gigabytesPerSecond,
  shareOfPeak,
  peak,
}: Total): string[] {
  const rate = (value: number | null): string => (value === null ? "-" : value.toFixed(1));
  return [
    milliseconds.toFixed(2),
    `${(share * 100).toFixed(1)}%`,
    rate(gigaflopsPerSecond),
    rate(gigabytesPerSecond),
    peakText(shareOfPeak, peak),
  ];
}

function profileJson({ program, threads, measurand, images, peak, steps, step }: Report): string {
  const document = {
    name: program.config.name,
    measurand,
    batchSize: images,
    threads,
    machine: { processor: cpus()[0]?.model.trim() ?? "unknown", ...peak },
    stepMilliseconds: median(steps),
    steps,
    ...step,
  };
  return jsonText(document);
}
