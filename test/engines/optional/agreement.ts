// What an engine beside the wasm engine is held to: the same losses over fifty steps, a state that goes over in both
// directions, and memory that stays over hundreds of steps. What was measured is kept with the test's result, from which
// `npm run bench -- engines` makes its table.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { wasmEngine } from "../../../src/runtime/engines/wasm/engine.js";
import type { Engine, EngineOptions, Session } from "../../../src/runtime/engines/engine.js";
import { batchOf, initialState } from "../../oracle/fixtures.js";
import { type OracleCase, oracleCases } from "../../oracle/networks.js";

export interface AgreementOptions {
  readonly open?: EngineOptions;
  /** Relative, of each loss. */
  readonly tolerance: number;
  /** Fewer for an engine that takes seconds a step: 50 beside wasm and 300 for its memory without it. */
  readonly steps?: { readonly beside: number; readonly memory: number };
  /**
   * Bytes, between a third of the memory steps and the last. One activation of the second stage left behind at each step would
   * be 2 MB here, all of a step 60; allocators move by some.
   */
  readonly mayGrow?: number;
}

/** A measured figure, in a test's `meta`. */
interface Measure {
  readonly what: "steps" | "distance" | "distance of a state" | "memory steps" | "memory";
  readonly value: number;
}

declare module "vitest" {
  interface TaskMeta {
    agreement?: Measure[];
  }
}

const NETWORKS = ["residual-adamw", "no-norm-adam", "uneven-strides"];
/** Low, since rounding alone drives two right engines apart at a high one, by relu masks that flip. */
const RATE = 1e-3;
export const MEGABYTE = 1024 * 1024;

export function describeAgreement(
  engine: Engine,
  { open = {}, tolerance, steps = { beside: 50, memory: 300 }, mayGrow = 24 * MEGABYTE }: AgreementOptions,
): void {
  describe(`engine ${engine.name} beside wasm`, () => {
    it.for(NETWORKS)(`loses the same as wasm, step by step, in %s`, async (name, { task }) => {
      const oracle = oracleNamed(name);
      const sessions = [await wasmEngine.open(oracle.program, { threads: 2 }), await engine.open(oracle.program, open)];
      for (const session of sessions) await session.writeState(initialState(oracle));
      const distances: number[] = [];
      for (let step = 0; step < steps.beside; step++) {
        const [ours, theirs] = await stepOfEach(sessions, oracle, step);
        distances.push(Math.abs(theirs! / ours! - 1));
      }
      const distance = Math.max(...distances);
      task.meta.agreement = [
        { what: "steps", value: steps.beside },
        { what: "distance", value: distance },
      ];
      expect(distance).toBeLessThan(tolerance);
      for (const session of sessions) await session.dispose();
    });

    it.for(["to", "from"])("goes on %s wasm from a state that the other has trained", async (direction, { task }) => {
      const oracle = oracleNamed("residual-adamw");
      const ours = await engine.open(oracle.program, open);
      const wasm = await wasmEngine.open(oracle.program, { threads: 2 });
      const [first, second] = direction === "to" ? [ours, wasm] : [wasm, ours];
      await first.writeState(initialState(oracle));
      for (let step = 0; step < 5; step++) await stepOfEach([first], oracle, step);
      await second.writeState(await first.readState()); // weights, statistics and both moments of Adam
      const distances: number[] = [];
      for (let step = 5; step < 15; step++) {
        const [stayed, moved] = await stepOfEach([first, second], oracle, step);
        distances.push(Math.abs(moved! / stayed! - 1));
      }
      const distance = Math.max(...distances);
      task.meta.agreement = [{ what: "distance of a state", value: distance }];
      expect(distance).toBeLessThan(tolerance);
      await Promise.all([ours.dispose(), wasm.dispose()]);
    });

    it(`takes no more memory after ${steps.memory} steps than after a third of them`, async ({ task }) => {
      const oracle = oracleNamed("residual-adamw");
      const session = await engine.open(oracle.program, open);
      const resident: number[] = [];
      for (let step = 0; step < steps.memory; step++) {
        await stepOfEach([session], oracle, step % 20);
        if ((step + 1) % (steps.memory / 3) === 0) {
          collectGarbage();
          resident.push(process.memoryUsage.rss());
        }
      }
      await session.dispose();
      const growth = resident[2]! - resident[0]!;
      task.meta.agreement = [
        { what: "memory steps", value: steps.memory },
        { what: "memory", value: growth },
      ];
      expect(growth).toBeLessThan(mayGrow);
    });
  });
}

/** What Node has not collected yet is no leak. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

export function oracleNamed(name: string): OracleCase {
  return oracleCases().find((oracle) => oracle.name === name)!;
}

async function stepOfEach(sessions: readonly Session[], oracle: OracleCase, step: number): Promise<number[]> {
  const losses: number[] = [];
  for (const session of sessions) {
    losses.push((await session.step(batchOf(oracle, step), { learningRate: RATE, step: step + 1 })).loss);
  }
  return losses;
}
