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
  const [{ loadFile }, { printLines }, { settingsDiff, networkDiff }] = await Promise.all([
    import("../load/load-file.js"),
    import("../screen/print.js"),
    import("../../compiler/front/edit/config-diff.js"),
  ]);
  const [before, after] = [await loadFile(a), await loadFile(b)];
  if (!before || !after) return exitCodes.inputHasErrors;
  const settings = settingsDiff(before, after);
  const network = networkDiff(before.program, after.program);
  if (settings.length === 0) process.stdout.write("both files mean the same\n");
  else printLines([...settings, ...(network.length > 0 ? ["", ...network] : [])]);
  return exitCodes.done;
}
