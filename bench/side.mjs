// The process of one side of a comparison, as the measuring process sees it.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export class Side {
  /** Starts it and resolves once it is warm. */
  static async start({ name, command, args, environment = {} }) {
    const side = new Side(name, command, args, environment);
    side.about = (await side.#answer()).ready;
    return side;
  }

  constructor(name, command, args, environment) {
    this.name = name;
    const { OPENBLAS_CORETYPE: _, ...inherited } = process.env; // slows numpy and torch where it is set
    this.child = spawn(command, args, { env: { ...inherited, ...environment }, stdio: ["pipe", "pipe", "pipe"] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.errors = "";
    this.child.stderr.on("data", (chunk) => (this.errors = (this.errors + chunk).slice(-4000)));
    this.child.stdin.on("error", () => {}); // the answer that does not come says it
    this.child.on("error", (error) => (this.errors += error.message));
  }

  /** Seconds of each of `count` steps. */
  async slice(count) {
    this.child.stdin.write(`slice ${count}\n`);
    return (await this.#answer()).slice;
  }

  /** { peakBytes, growthBytes } */
  async end() {
    this.child.stdin.write("end\n");
    return (await this.#answer()).end;
  }

  stop() {
    this.child.kill();
  }

  async #answer() {
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(`${this.name} ended early: ${lastLines(this.errors) || "without a word"}`);
      if (value.startsWith("{")) return JSON.parse(value); // libraries print what they like beside it
    }
  }
}

function lastLines(text) {
  return text.trim().split("\n").slice(-4).join(" / ");
}
