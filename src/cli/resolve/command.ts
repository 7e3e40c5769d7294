// `netc resolve FILE`: the file with every default written out, as YAML that is again a valid file.
import type { Command } from "commander";
import { Option } from "commander";
import { exitCodes } from "../screen/exit-codes.js";
import { collect } from "../screen/options.js";

interface ResolveFlags {
  readonly set: readonly string[];
  readonly format: "yaml" | "json";
  readonly origins: boolean;
}

export function register(program: Command): void {
  program
    .command("resolve")
    .summary("print a file with every default written out")
    .description("Prints what FILE means once short forms are long and every default is written: again a valid file.")
    .argument("<file>", "a YAML file; - reads standard input")
    .option("--set <path=value>", "set a value of the file, e.g. train.epochs=3 (may be repeated)", collect, [])
    .addOption(new Option("--format <format>", "what to print").choices(["yaml", "json"]).default("yaml"))
    .option("--origins", "print where each value comes from: the file and line, the command line, or a default", false)
    .action(resolveFile);
}

async function resolveFile(path: string, flags: ResolveFlags): Promise<void> {
  const [{ loadConfigFile }, { jsonText, printLines }] = await Promise.all([
    import("../load/load-file.js"),
    import("../screen/print.js"),
  ]);
  const loaded = await loadConfigFile(path, flags.set);
  if (!loaded) return void (process.exitCode = exitCodes.inputHasErrors);
  if (flags.origins) {
    const { valuesAt } = await import("../../compiler/front/edit/origins.js");
    printLines(valuesAt(loaded, []));
    return;
  }
  const { compileConfig } = await import("../../compiler/compile.js");
  // Rates by depth become groups, which need the network; a file with other faults is printed as it is
  const config =
    (loaded.config.train.layer_decay !== null && compileConfig(loaded.config).value?.config) || loaded.config;
  if (flags.format === "json") {
    process.stdout.write(jsonText(config));
    return;
  }
  const { printConfig } = await import("../../compiler/front/yaml/print-config.js");
  process.stdout.write(printConfig(config));
}
