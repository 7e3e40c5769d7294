// Shows how far a data set's fetching is: a bar that moves on a terminal, a line for every fifth elsewhere.
import type { DataProgress, OnDataProgress } from "../../runtime/data/progress.js";
import { formatBytes, isInteractive } from "../screen/terminal.js";
import { warnLine } from "../screen/print.js";
import { printable } from "../../compiler/diagnostics/printable.js";

/**
 * Shows it for as long as the work lasts, on standard error, so that a command's output stays clean. `cli-progress` is loaded
 * when there is a bar to draw.
 */
export async function showingProgress<T>(work: (onProgress: OnDataProgress) => Promise<T>): Promise<T> {
  const { onProgress, stop } = isInteractive() ? await bar() : lines(warnLine);
  return await work(onProgress).finally(stop);
}

export interface DataProgressDisplay {
  readonly onProgress: OnDataProgress;
  /** Ends the bar's line; nothing is shown after it. */
  readonly stop: () => void;
}

async function bar(): Promise<DataProgressDisplay> {
  const { default: progress } = await import("cli-progress");
  const drawn = new progress.SingleBar({
    format: "{doing}  {bar}  {percentage}%  {amount}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 24,
    hideCursor: true,
    stopOnComplete: false,
    emptyOnZero: true,
  });
  let doing: string | null = null;
  const stop = () => {
    if (doing !== null) drawn.stop();
    doing = null;
  };
  const onProgress = (state: DataProgress) => {
    const fields = { doing: printable(state.doing), amount: amount(state) };
    if (state.doing === doing) return drawn.update(state.done, fields);
    stop();
    if (state.total === 0) return warnLine(state.doing);
    doing = state.doing;
    drawn.start(state.total, state.done, fields);
  };
  return { onProgress, stop };
}

/** `write` gets each line without its end. */
export function lines(write: (line: string) => void): DataProgressDisplay {
  let last = "";
  const onProgress = (state: DataProgress) => {
    const share = state.total === 0 ? null : state.done / state.total;
    const key = `${state.doing} ${share === null ? "" : Math.floor(share * 5)}`;
    if (key === last) return;
    last = key;
    write(share === null ? state.doing : `${state.doing}: ${Math.floor(share * 100)}% (${amount(state)})`);
  };
  return { onProgress, stop: () => undefined };
}

function amount({ done, total, unit }: DataProgress): string {
  if (unit === "bytes") return `${formatBytes(done)} of ${formatBytes(total)}`;
  return `${done} of ${total} ${unit === "images" ? "images" : "files"}`;
}
