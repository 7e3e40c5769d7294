// What a format of metrics makes of the TrainingEvents, which come in order: the bytes of one file.
import type { TrainingEvent } from "../training/training-events.js";

export interface MetricsFormat {
  /** What the file begins with. */
  begin(): Uint8Array;
  /** What an event adds; `wallTime` in seconds since 1970. */
  add(event: TrainingEvent, wallTime: number): Uint8Array;
}
