// The recipes of fixtures/resume on netc's own engine, each stopped again and again and resumed with another number of
// threads, against the run that was never stopped. `npm run test:kills` does the same to processes.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileText } from "../../src/compiler/compile.js";
import type { Program } from "../../src/compiler/program.js";
import { outcomeOf, runPart } from "../support/run-part.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = new URL("../fixtures/resume/", import.meta.url);
const recipes = readdirSync(folder).map((file) => file.replace(/\.yaml$/, ""));

/** Shorter than the file says; what a recipe freezes or begins with an epoch it does within these. */
const EPOCHS = 3;

function programOf(recipe: string, epochs = EPOCHS): Program {
  const text = readFileSync(new URL(`${recipe}.yaml`, folder), "utf8");
  const { value, diagnostics } = compileText(text, recipe, { overrides: [`train.epochs=${epochs}`] });
  expect(diagnostics).toEqual([]);
  return value!;
}

/** At an evaluation within an epoch, between epochs of 16 steps, and just after what freezes at step 32. */
const STOPS = [7, 16, 33];

describe("a run that was stopped and resumed with 1 and 2 threads in turn", () => {
  it.each(recipes)("ends with the bits of one that never was: %s", async (recipe) => {
    const [whole, stopped] = [await temporaryFolder(), await temporaryFolder()];
    const program = programOf(recipe);
    expect((await runPart(whole, program, 2)).outcome).toBe("finished");
    for (const [index, stop] of STOPS.entries()) {
      const result = await runPart(stopped, program, 1 + (index % 2), stop);
      expect(result).toMatchObject({ outcome: "stopped", progress: { step: stop } });
    }
    expect((await runPart(stopped, program, 2)).outcome).toBe("finished");
    expect(await outcomeOf(stopped)).toEqual(await outcomeOf(whole));
  });

  it("ends with the bits of a longer run where it was finished with fewer epochs first", async () => {
    const [whole, extended] = [await temporaryFolder(), await temporaryFolder()];
    await runPart(whole, programOf("more-epochs"), 2);
    const short = await runPart(extended, programOf("more-epochs", EPOCHS - 1), 1);
    expect(short).toMatchObject({ outcome: "finished", progress: { step: 32 } });
    await runPart(extended, programOf("more-epochs"), 2);
    expect(await outcomeOf(extended)).toEqual(await outcomeOf(whole));
  });
});
