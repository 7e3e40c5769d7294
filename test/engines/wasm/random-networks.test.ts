// Random networks and recipes, step by step on netc's own engine and on TensorFlow.js. `npm run fuzz:networks -- SEED COUNT`
// takes others.
import { expect, it } from "vitest";
import { parametersOf } from "../../../src/compiler/network/parameters.js";
import { learningRateAt } from "../../../src/compiler/training/plan.js";
import type { Session, State } from "../../../src/runtime/engines/engine.js";
import { tfjsCpuEngine } from "../../../src/runtime/engines/tfjs/engine.js";
import { openWasmSession } from "../../../src/runtime/engines/wasm/session.js";
import { randomPrograms, withRandomFilters } from "../../support/random-networks.js";
import { loaderOf } from "../../support/tiny-run.js";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const count = Number(process.env["FUZZ_NETWORKS"] ?? 6);
const STEPS = 4;

// Norms over a few values and ReLUs near zero enlarge what float32 rounds; a wrong sum is off by far more
const LOSS_DIGITS = 2;
const SHARE = 0.05;
const LEAST = 1e-5; // where a rate is 0

// 19: Muon's matrix of a depthwise filter has nine rows, which no vector divides
const programs = [...randomPrograms(seed, count), ...randomPrograms(19, 1)].flatMap(({ number, program }) => [
  [`random network ${number}`, program] as const,
  [`random network ${number} with filters in groups`, withRandomFilters(program, number)] as const,
]);

it.each(programs)("%s learns as TensorFlow.js says", async (_, program) => {
  const loader = loaderOf(program);
  const own: Session = await openWasmSession(program, 2);
  const other = await tfjsCpuEngine.open(program, {});
  for (let step = 0; step < Math.min(STEPS, program.plan.steps); step++) {
    const before = await own.readState();
    await other.writeState(before); // or roundings would add up
    const batch = loader.train(Math.floor(step / loader.batchesPerEpoch), step % loader.batchesPerEpoch);
    const hyper = { learningRate: learningRateAt(program.plan, step), step: step + 1 };
    const [one, two] = [await own.step(batch, hyper), await other.step(batch, hyper)];
    const after = await own.readState();
    expect(one.loss, `loss of step ${step + 1}`).toBeCloseTo(two.loss, LOSS_DIGITS);
    expect(Math.abs(one.gradientNorm / two.gradientNorm - 1), `gradient norm of step ${step + 1}`).toBeLessThan(SHARE);
    const names = parametersOf(program.graph).map(({ name }) => name);
    const off = distance(names, after, await other.readState());
    expect(off, `update of step ${step + 1}`).toBeLessThan(SHARE * distance(names, after, before) + LEAST);
    await other.writeState(after);
    const [seen, expected] = [await own.evaluate(loader.test(0)), await other.evaluate(loader.test(0))];
    expect(seen.loss, `evaluation after step ${step + 1}`).toBeCloseTo(expected.loss, LOSS_DIGITS);
  }
  await Promise.all([own.dispose(), other.dispose()]);
});

/** Of all parameters together, Euclidean. */
function distance(names: readonly string[], left: State, right: State): number {
  const values = names.map((name) => [left.get(name)!.data, right.get(name)!.data] as const);
  return Math.hypot(...values.map(([one, two]) => Math.hypot(...one.map((value, at) => value - two[at]!))));
}
