// What several commands share in reading their options.
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import type { Device } from "../../runtime/engines/engine.js";

/** For an option that may be given several times. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** `--format text` or json, and `--json`, which is shorter. */
export function formats(command: Command, others: readonly string[] = []): Command {
  return command
    .addOption(new Option("--format <format>", "how to print it").choices(["text", "json", ...others]).default("text"))
    .addOption(new Option("--json", "the same as --format json").implies({ format: "json" }));
}

/** Colour on a terminal only; NO_COLOR and FORCE_COLOR (no-color.org, force-color.org) decide otherwise. */
export function usesColor(stream: { readonly isTTY?: boolean }): boolean {
  const { NO_COLOR: never, FORCE_COLOR: always, TERM: terminal } = process.env;
  if (never) return false;
  if (always) return always !== "0" && always !== "false";
  return Boolean(stream.isTTY) && terminal !== "dumb";
}

/** For an option that takes a whole number from `least` on. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least}.`);
  };
}

/** For `--threads`. More than there are cores cost memory and gain nothing, which is said. */
export function threadCount(text: string): number {
  const threads = wholeNumber(1)(text);
  const cores = availableParallelism();
  if (threads > cores) {
    process.stderr.write(
      `warning: --threads ${threads} on ${cores === 1 ? "1 core" : `${cores} cores`}: threads beyond the cores take memory ` +
        "and make training slower\n",
    );
  }
  return threads;
}

/** "cpu" or "gpu:N" */
export function deviceNamed(text: string): Device {
  if (text === "cpu") return { kind: "cpu" };
  const [, index] = /^gpu(?::(\d{1,3}))?$/.exec(text) ?? [text];
  if (text.startsWith("gpu") && (index !== undefined || text === "gpu"))
    return { kind: "gpu", index: Number(index ?? 0) };
  throw new InvalidArgumentError("Expected cpu or gpu:N, where N counts GPUs from 0.");
}

export function deviceText(device: Device): string {
  return device.kind === "cpu" ? "cpu" : `gpu:${device.index}`;
}
