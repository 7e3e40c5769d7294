// Program → the report's part on where a training step's time goes, measured here and now.
import { availableParallelism, cpus } from "node:os";
import type { Program } from "../../compiler/program.js";
import { chooseEngine } from "../../runtime/engines/index.js";
import { measureStep } from "../profile/measure-step.js";
import { median } from "../profile/profile-step.js";
import { formatScaled } from "../screen/terminal.js";
import { renderTable } from "./render-report.js";
import type { Section } from "./view.js";
import { table } from "./view.js";

const STEPS = 5;

export async function kernelSection(program: Program): Promise<Section> {
  await chooseEngine("wasm"); // says what is missing where it cannot run
  const threads = availableParallelism();
  const { step, steps, peak } = await measureStep(program, threads, STEPS, "training");
  const rows = step.kernels.map(({ kernel, calls, milliseconds, share, gigaflopsPerSecond, gigabytesPerSecond }) => [
    kernel,
    String(calls),
    milliseconds.toFixed(2),
    `${(share * 100).toFixed(1)}%`,
    gigaflopsPerSecond?.toFixed(1) ?? "–",
    gigabytesPerSecond?.toFixed(1) ?? "–",
  ]);
  return {
    id: "kernels",
    isFolded: true,
    title: "Time by kernel",
    note:
      `Measured when this page was written, not in the run: ${STEPS} steps on random images with ${threads} threads of ` +
      `${cpus()[0]?.model.trim() ?? "this machine"}, ${median(steps).toFixed(1)} ms per step; the machine does ` +
      `${formatScaled(peak.flopsPerSecond)}FLOP/s of multiply-adds and copies ${formatScaled(peak.bytesPerSecond)}B/s.`,
    html: await renderTable(
      table("Kernels in the order of their time", ["kernel", "calls", "ms", "share", "GFLOP/s", "GB/s"], rows),
    ),
  };
}
