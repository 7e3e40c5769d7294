// Ctrl-C and SIGTERM → an AbortSignal: the first asks the run to end well, the second ends the process at once.
import { exitCodes } from "../screen/exit-codes.js";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export interface StopSignal {
  readonly signal: AbortSignal;
  /** Gives the signals back to Node's own handling. */
  release(): void;
}

/** One Ctrl-C under `npx` arrives twice, from the terminal and from npm, which forwards it. */
const SAME_KEYPRESS = 500; // milliseconds

export function stopSignal(onFirst: (name: string) => void): StopSignal {
  const controller = new AbortController();
  let firstAt = 0;
  const handle = (name: string): void => {
    if (controller.signal.aborted) {
      if (performance.now() - firstAt < SAME_KEYPRESS) return;
      process.exit(exitCodes.interrupted);
    }
    firstAt = performance.now();
    controller.abort();
    onFirst(name);
  };
  for (const name of SIGNALS) process.on(name, handle);
  return {
    signal: controller.signal,
    release: () => {
      for (const name of SIGNALS) process.off(name, handle);
    },
  };
}
