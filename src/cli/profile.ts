// The work of `netc profile`: opens the program on the wasm engine, times the calls of some training steps on random
// images, measures what the machine can do, and prints one beside the other.
import { randomFillSync } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { dirname } from "node:path";
import type { Program } from "../compiler/program.js";
import type { Batch } from "../runtime/engine.js";
import { chooseEngine } from "../runtime/engines/index.js";
import { chooseKernels } from "../runtime/engines/wasm/choose-kernels.js";
import type { MachinePeak } from "../runtime/engines/wasm/machine-peak.js";
import { measureMachinePeak } from "../runtime/engines/wasm/machine-peak.js";
import { openWasmSession } from "../runtime/engines/wasm/session.js";
import { writeFileAtomically } from "../runtime/files/write-file-atomically.js";
import { UserError } from "../runtime/user-error.js";
import type { ProfileFlags } from "./commands/profile.js";
import type { ExitCode } from "./exit-codes.js";
import { exitCodes } from "./exit-codes.js";
import { loadProgram } from "./load-program.js";
import type { MeasuredCall, StepProfile, Total } from "./profile-step.js";
import { measuredCalls, median, profileStep } from "./profile-step.js";
import { traceJson } from "./profile-trace.js";
import type { Column } from "./terminal.js";
import { formatScaled, tableLines } from "./terminal.js";

export async function profile(file: string, flags: ProfileFlags): Promise<ExitCode> {
  const threads = flags.threads ?? availableParallelism();
  const program = await loadProgram(file, flags.set, { engine: "wasm", threads });
  if (!program) return exitCodes.inputHasErrors;
  const { trace } = flags;
  if (trace !== undefined) await orRefuse(trace, mkdir(dirname(trace), { recursive: true })); // before the work, not after
  await chooseEngine("wasm"); // says what is missing where it cannot run

  const peak = await measureMachinePeak(threads);
  const { calls, steps } = await measureSteps(program, threads, flags.steps);
  const report: Report = { program, threads, peak, steps, step: profileStep(calls, peak) };
  process.stdout.write(FORMATS[flags.format](report));
  if (trace !== undefined) await orRefuse(trace, writeFileAtomically(trace, traceJson(calls, program.config.name)));
  return exitCodes.done;
}

interface Report {
  readonly program: Program;
  readonly threads: number;
  readonly peak: MachinePeak;
  /** Milliseconds of each step that was timed. */
  readonly steps: readonly number[];
  readonly step: StepProfile;
}

async function measureSteps(
  program: Program,
  threads: number,
  count: number,
): Promise<{ calls: MeasuredCall[]; steps: number[] }> {
  const session = await openWasmSession(program, threads, await chooseKernels(program, threads, "measured"));
  try {
    const batch = randomBatch(program);
    // At a rate of zero the weights stay as they were drawn, so that no number grows out of its range
    const hyper = { learningRate: 0, step: 1 };
    const { step } = await session.profile(batch, hyper);
    const times: Float64Array[] = [];
    while (times.length < count) times.push((await session.profile(batch, hyper)).milliseconds);
    const steps = times.map((calls) => calls.reduce((sum, time) => sum + time, 0));
    return { calls: measuredCalls(step.calls, times), steps };
  } finally {
    await session.dispose();
  }
}

function randomBatch({ config }: Program): Batch {
  const { height, width, channels } = config.model.input;
  const { classes } = config.model.classifier;
  const count = config.train.batch_size;
  const images = randomFillSync(new Uint8Array(count * height * width * channels));
  return { count, images, labels: Int32Array.from({ length: count }, (_, index) => index % classes) };
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

const NOTE = `GFLOP/s are two for each multiply-add of the direct algorithm: Winograd's needs fewer, so it can pass the peak.
GB/s are the bytes that an operation must move, each operand once: a kernel that reads one twice cannot reach the peak.
The share of the peak is of multiply-adds where there are any, else of copying.
`;

function profileText({ program, threads, peak, steps, step }: Report): string {
  const { name, train } = program.config;
  const milliseconds = median(steps);
  const lines = [
    `${name}, ${train.batch_size} images a step, ${threads} ${threads === 1 ? "thread" : "threads"}, medians of ` +
      `${steps.length} ${steps.length === 1 ? "step" : "steps"} on random images`,
    `${milliseconds.toFixed(1)} ms a step, ${((train.batch_size / milliseconds) * 1000).toFixed(0)} images/s without data`,
    `peaks here: ${formatScaled(peak.flopsPerSecond)}FLOP/s of multiply-adds, ${formatScaled(peak.bytesPerSecond)}B/s copied`,
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
  return `${lines.join("\n")}\n${NOTE}`;
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
  const ofPeak = shareOfPeak === null ? "-" : `${(shareOfPeak * 100).toFixed(0)}% ${peak === "copy" ? "copy" : "FMA"}`;
  return [
    milliseconds.toFixed(2),
    `${(share * 100).toFixed(1)}%`,
    rate(gigaflopsPerSecond),
    rate(gigabytesPerSecond),
    ofPeak,
  ];
}

function profileJson({ program, threads, peak, steps, step }: Report): string {
  const { name, train } = program.config;
  const document = {
    name,
    batchSize: train.batch_size,
    threads,
    machine: { processor: cpus()[0]?.model.trim() ?? "unknown", ...peak },
    stepMilliseconds: median(steps),
    steps,
    ...step,
  };
  return JSON.stringify(document, null, 2) + "\n";
}

async function orRefuse(path: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new UserError(`the trace cannot be written to ${path}: ${(error as Error).message}`);
  }
}
