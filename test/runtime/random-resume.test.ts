// Random networks and recipes, stopped at random steps and resumed with 1 and 2 threads in turn, to the bits of the run that
// was never stopped. `npm run fuzz:networks -- SEED COUNT` takes others.
import { expect, it } from "vitest";
import { randomNumbers, randomPrograms } from "../support/random-networks.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { outcomeOf, runPart } from "../support/run-part.js";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const count = Number(process.env["FUZZ_NETWORKS"] ?? 6);
const STOPS = 3;

it.each(randomPrograms(seed, count))("random recipe $number ends with the same bits", async ({ number, program }) => {
  const [whole, stopped] = [await temporaryFolder(), await temporaryFolder()];
  const { outcome } = await runPart(whole, program, 2);
  const random = randomNumbers(number);
  const stops = Array.from({ length: STOPS }, () => 1 + Math.floor(random() * program.plan.steps));
  let last = "stopped";
  for (const [index, stop] of stops.toSorted((a, b) => a - b).entries()) {
    if (last === "stopped") last = (await runPart(stopped, program, 1 + (index % 2), stop)).outcome;
  }
  if (last === "stopped") last = (await runPart(stopped, program, 2)).outcome;
  expect(last).toBe(outcome);
  expect(await outcomeOf(stopped)).toEqual(await outcomeOf(whole));
});
