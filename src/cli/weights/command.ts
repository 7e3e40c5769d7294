// `netc weights`: what a file of trained weights holds, and how it fits the network of a file.
import type { Command } from "commander";
import { collect, formats } from "../screen/options.js";
import type { MatchFlags } from "./match.js";
import type { ShowFlags } from "./show.js";

export function register(program: Command): void {
  const weights = program.command("weights").description("look into files of trained weights");
  formats(weights.command("show"))
    .description("list the tensors of a file of weights, their shapes and types, and what else it says of itself")
    .argument("<weights>", "a .safetensors file, one of torch.save, or a run of netc")
    .action(async (path: string, flags: ShowFlags) => {
      const { show } = await import("./show.js");
      process.exitCode = await show(path, flags);
    });
  formats(weights.command("match"))
    .description("show which tensor of a file of weights becomes which of a network, and those without a partner")
    .argument("<weights>", "a .safetensors file, one of torch.save, or a run of netc")
    .argument("<file>", "the YAML file of the network; its `train.start` says what may stay new or be left out")
    .option("--set <path=value>", "set a value of the file (may be repeated)", collect, [])
    .action(async (path: string, file: string, flags: MatchFlags) => {
      const { match } = await import("./match.js");
      process.exitCode = await match(path, file, flags);
    });
}
