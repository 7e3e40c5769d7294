// Whatever asks a run to end → an AbortSignal: Ctrl-C, SIGTERM, a terminal that is closed, an output that nobody reads any more.
// The first asks the run to end well; a second Ctrl-C or SIGTERM ends the process at once.
import { basename } from "node:path";
import { exitCodes } from "../screen/exit-codes.js";
import { keepGoingWithoutOutput } from "../screen/output-faults.js";

export type StopCause = "SIGINT" | "SIGTERM" | "SIGHUP" | "closed output";

export interface StopSignal {
  readonly signal: AbortSignal;
  /** Gives the signals back to Node's own handling. */
  release(): void;
}

/** One Ctrl-C under `npx` arrives twice, from the terminal and from npm, which forwards it. */
const SAME_KEYPRESS = 500; // milliseconds

export function stopSignal(onFirst: (cause: StopCause) => void): StopSignal {
  const controller = new AbortController();
  let askedAt: number | undefined;
  const stop = (cause: StopCause): void => {
    if (controller.signal.aborted) return;
    controller.abort();
    onFirst(cause);
  };
  // A closed terminal sends SIGHUP more than once, and may follow on SIGTERM: it never ends a run that is saving its state
  const asked = (cause: "SIGINT" | "SIGTERM"): void => {
    if (askedAt !== undefined && performance.now() - askedAt >= SAME_KEYPRESS) process.exit(exitCodes.interrupted);
    askedAt ??= performance.now();
    stop(cause);
  };
  const handlers = {
    SIGINT: () => asked("SIGINT"),
    SIGTERM: () => asked("SIGTERM"),
    ...(!outlivesItsTerminal() && { SIGHUP: () => stop("SIGHUP") }),
  };
  for (const [name, handler] of Object.entries(handlers)) process.on(name as NodeJS.Signals, handler);
  const output = keepGoingWithoutOutput(() => stop("closed output"));
  return {
    signal: controller.signal,
    release: () => {
      for (const [name, handler] of Object.entries(handlers)) process.off(name as NodeJS.Signals, handler);
      output.release();
    },
  };
}

/**
 * Whether `nohup` started the process, as shells tell the programs that they start. That SIGHUP is to be ignored, which it
 * asks of the system, Node undoes as it starts.
 */
export function outlivesItsTerminal(environment: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return basename(environment["_"] ?? "") === "nohup";
}
