// `netc graph FILE`: every layer with what it costs, and what training will need, without training anything.
import type { Command } from "commander";
import { Option } from "commander";
import { collect, formats } from "../screen/options.js";
import type { GraphFlags } from "./graph.js";

export function register(program: Command): void {
  formats(program.command("graph"), ["svg", "mermaid", "dot", "html"])
    .summary("show every layer of a file's network and what it costs")
    .description(
      "Prints a line for every layer: its name, operation, output shape, parameters, multiply-adds for one image " +
        "and the bytes of its output for one batch; then the totals and the peak of memory that training needs. " +
        "Or draws the network: `netc graph FILE --format svg > network.svg`.",
    )
    .argument("<file>", "the YAML file")
    .option("--set <path=value>", "set a value of the file (may be repeated)", collect, [])
    .addOption(
      new Option(
        "--step [which]",
        "print the step that the wasm engine executes, of training or of evaluation: each kernel call with its operands",
      )
        .choices(["train", "evaluate"])
        .preset("train")
        .default(false, "none"),
    )
    .option("-o, --out <file>", "write it to a file instead of printing it")
    .option(
      "--code [kernel]",
      "print the machine code of that step (of training without --step): the instructions of a kernel, or of all kernels of a " +
        "layer; without a name, which kernels there are. What is the fastest here is measured where it is not known yet",
    )
    .option("--unfold", "draw every block, also equal ones in a row (with svg, mermaid, dot and html)", false)
    .action(async (file: string, flags: GraphFlags) => {
      const { graph } = await import("./graph.js");
      process.exitCode = await graph(file, flags);
    });
}
