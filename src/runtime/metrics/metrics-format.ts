// What each file of a run's figures is to the one that writes them all: TrainingEvents → bytes.
import type { TrainingEvent } from "../training/training-events.js";

/** What one file makes of the events, which come in order. */
export interface MetricsFormat {
  /** What the file begins with. */
  begin(): Uint8Array;
  /** What an event adds; `wallTime` in seconds since 1970. */
  add(event: TrainingEvent, wallTime: number): Uint8Array;
}
