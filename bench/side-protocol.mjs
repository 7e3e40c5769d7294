// One side of a comparison, within its own process: it prints a line of JSON once it is warm, then measures a slice of
// steps whenever it is asked for one, and sleeps in between, so that sides can take turns. peers/side_protocol.py is the
// same in Python.
import { createInterface } from "node:readline";
import { peakBytes } from "./memory.mjs";

export class Gate {
  #commands = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  #warmup;
  #baseline;
  #ready;
  #atEnd;
  #seconds = null; // of the slice under way
  #missing = 0;
  #last = null; // the step under way: when it began, and whether it counts

  /** `ready` is what the side says of itself; memory is counted from `baseline` bytes on; `atEnd` adds to the last answer. */
  constructor({ warmup, baseline, ready, atEnd = () => ({}) }) {
    this.#warmup = warmup;
    this.#baseline = baseline;
    this.#ready = ready;
    this.#atEnd = atEnd;
  }

  /**
   * To be awaited before every step. The time from one step's beginning to the next one's is the step's, with whatever
   * the trainer does between them. The first step after a pause is not timed: what it overlaps with lies in the pause.
   * `counts` is false for a step of another size than the rest.
   */
  async beforeStep(counts = true) {
    if (this.#seconds === null) {
      if (this.#warmup-- > 0) return;
      say({ ready: this.#ready });
      await this.#nextCommand();
      return;
    }
    const now = performance.now();
    if (this.#last?.counts) {
      this.#seconds.push((now - this.#last.began) / 1000);
      this.#missing--;
    }
    this.#last = { began: now, counts };
    if (this.#missing > 0) return;
    say({ slice: this.#seconds });
    await this.#nextCommand();
  }

  async #nextCommand() {
    const { value = "end" } = await this.#commands.next();
    const [command, count] = value.split(" ");
    if (command === "slice") {
      this.#seconds = [];
      this.#missing = Number(count);
      this.#last = null;
      return;
    }
    const peak = peakBytes();
    const end = { peakBytes: peak, growthBytes: peak - this.#baseline, ...this.#atEnd() };
    process.stdout.write(JSON.stringify({ end }) + "\n", () => process.exit(0));
    await new Promise(() => {}); // nothing more is to run
  }
}

function say(message) {
  process.stdout.write(JSON.stringify(message) + "\n");
}
