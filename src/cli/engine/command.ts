// `netc engine add NAME`: what an engine needs beyond netc's own install.
import type { Command } from "commander";
import { Argument } from "commander";
import { addOnNames } from "../../runtime/engines/add-ons.js";
import type { EngineAddFlags } from "./engine.js";

export function register(program: Command): void {
  const engine = program
    .command("engine")
    .summary("set up an engine")
    .description("Sets up engines beyond netc's own.");
  engine
    .command("add")
    .description(
      "Prints the commands that install what an engine needs into a folder of netc's cache where the engine looks for it;" +
        " with --yes, runs them.",
    )
    .addArgument(new Argument("<name>", "what to set up").choices(addOnNames))
    .option("--yes", "run the commands", false)
    .action(async (name: (typeof addOnNames)[number], flags: EngineAddFlags) => {
      const { addEngine } = await import("./engine.js");
      process.exitCode = await addEngine(name, flags);
    });
}
