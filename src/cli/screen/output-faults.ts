// What a command does where its output cannot be written: because nobody reads it any more (the reader of a pipe has ended,
// the terminal is gone), or because a disk is full. A listing ends; a run, which has more to lose, decides for itself.
import { closeSync, fstatSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { isatty } from "node:tty";
import { exitCodes } from "./exit-codes.js";

/** In Node's words, on every platform, what a closed pipe or connection gives. */
const NOBODY_READS: ReadonlySet<string> = new Set(["EPIPE", "ECONNRESET", "ENOTCONN", "EOF", "ERR_STREAM_DESTROYED"]);

interface OutputStream {
  readonly isTTY?: boolean;
  on(event: "error", listener: (error: NodeJS.ErrnoException) => void): unknown;
}

let keeper: (() => void) | undefined;
let isLeftTo = false;
let fault: Error | undefined;

/** To be called before anything is written. `exit` and the streams are the process's own but in tests. */
export function watchOutputs(
  streams: readonly OutputStream[] = [process.stdout, process.stderr],
  exit: (code: number) => void = (code) => process.exit(code),
): void {
  [keeper, isLeftTo, fault] = [undefined, false, undefined];
  for (const stream of streams) {
    stream.on("error", (error) => {
      if (isGone(stream, error)) {
        isLeftTo ||= keeper !== undefined;
        if (isLeftTo) keeper?.();
        else exit(exitCodes.nobodyReads);
      } else if (keeper) fault ??= error;
      else if (fault === undefined) throw error;
    });
  }
}

/** Until it is released, a command is not ended by its output: `onGone` hears where nobody reads it any more. */
export function keepGoingWithoutOutput(onGone: () => void): { readonly release: () => void } {
  keeper = onGone;
  return { release: () => (keeper = undefined) };
}

/** Why a command that kept going could not write all that it had to say: not where nobody wanted to read it. */
export function outputFault(): Error | undefined {
  return fault;
}

/** A terminal that has gone answers EIO, which of a file is a fault of its disk. */
function isGone({ isTTY = false }: OutputStream, { code = "" }: NodeJS.ErrnoException): boolean {
  return NOBODY_READS.has(code) || (isTTY && (code === "EIO" || code === "ENXIO"));
}

/**
 * To be called as the process ends. Node gives the terminal back as it was, and aborts where that has gone; it leaves alone what
 * is another file by then. Nothing may stay closed: koffi flushes the outputs after this, and goes on for ever where it cannot.
 */
export function letGoOfGoneTerminal(): void {
  for (const stream of [0, 1, 2]) {
    try {
      if (!fstatSync(stream).isCharacterDevice() || isatty(stream)) continue;
      closeSync(stream);
      openSync(devNull, "r+"); // takes the lowest number that is free, this one
    } catch {
      // Closed already
    }
  }
}
