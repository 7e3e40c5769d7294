// `netc diff A B`: what two files mean differently, whatever their texts, and what that does to the network.
import type { Command } from "commander";
import { exitCodes } from "../screen/exit-codes.js";

export function register(program: Command): void {
  program
    .command("diff")
    .summary("compare what two files mean")
    .description(
      "Lists the settings in which A and B differ once every default is written out, where each value comes from, and\nwhat they change in the network.",
    )
    .argument("<a>", "a YAML file")
    .argument("<b>", "another")
    .action(async (a: string, b: string) => {
      process.exitCode = await diff(a, b);
    });
}

async function diff(a: string, b: string): Promise<number> {
  const [{ loadFile }, { loadProgram }, { printLines }, { settingsDiff, networkDiff }] = await Promise.all([
    import("../load/load-file.js"),
    import("../load/load-program.js"),
    import("../screen/print.js"),
    import("../../compiler/front/edit/config-diff.js"),
  ]);
  const programs = [await loadProgram(a), await loadProgram(b)];
  const [before, after] = programs;
  if (!before || !after) return exitCodes.inputHasErrors;
  const loaded = [await loadFile(a, []), await loadFile(b, [])];
  const settings = settingsDiff(loaded[0]!, loaded[1]!);
  const network = networkDiff(before, after);
  if (settings.length === 0) process.stdout.write("both files mean the same\n");
  else printLines([...settings, ...(network.length > 0 ? ["", ...network] : [])]);
  return exitCodes.done;
}
