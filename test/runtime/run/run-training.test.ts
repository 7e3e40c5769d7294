import { chmod, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runFolderAt } from "../../../src/runtime/run/run-folder.js";
import { FakeSession } from "../../support/fake-session.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { tinyConfig } from "../../support/tiny-config.js";
import { eventsIn, programOf, runTiny } from "../../support/tiny-run.js";

// Three epochs of four steps, an evaluation of three batches after each
const program = programOf();

async function uninterrupted() {
  const folder = await temporaryFolder();
  const { session, result } = await runTiny(folder, program);
  return {
    tensors: session.tensors,
    progress: withoutTimes(result.progress),
    events: await eventsIn(folder),
  };
}

function withoutTimes(progress: object): object {
  return Object.fromEntries(Object.entries(progress).filter(([key]) => !key.endsWith("Seconds")));
}

class Killed extends Error {}

describe("a run that is stopped and resumed", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])(
    "equals the whole run bit for bit after --max-steps %i",
    async (steps) => {
      const folder = await temporaryFolder();
      const first = await runTiny(folder, program, { maxSteps: steps });
      expect(first.result).toMatchObject({ outcome: "stopped", progress: { step: steps } });

      const second = await runTiny(folder, program);
      expect(second.session.steps).toEqual(Array.from({ length: 12 - steps }, (_, index) => steps + 1 + index));
      const whole = await uninterrupted();
      expect(second.session.tensors).toEqual(whole.tensors);
      expect(withoutTimes(second.result.progress)).toEqual(whole.progress);
      expect(await eventsIn(folder)).toEqual(whole.events);
    },
  );

  it("equals the whole run bit for bit when killed at any moment, again and again", async () => {
    const whole = await uninterrupted();
    const moments = 12 + 9; // steps and evaluation batches
    for (let moment = 0; moment < moments; moment++) {
      const folder = await temporaryFolder();
      let attempts = 0;
      for (;;) {
        const session = new FakeSession(program);
        let calls = 0;
        const survives = attempts++ === 3;
        session.before = () => {
          if (!survives && calls++ === moment) throw new Killed();
        };
        try {
          await runTiny(folder, program, {}, session);
          expect(session.tensors).toEqual(whole.tensors);
          expect(await eventsIn(folder)).toEqual(whole.events);
          break;
        } catch (error) {
          if (!(error instanceof Killed)) throw error;
        }
      }
    }
  });

  it("equals the whole run when interrupted in every step and evaluation in turn", async () => {
    const folder = await temporaryFolder();
    let runs = 0;
    for (;;) {
      const session = new FakeSession(program);
      const controller = new AbortController();
      let calls = 0;
      // Each run gets through one step, or one whole evaluation, before it is interrupted in the next
      session.before = (call) => {
        if (call === "step" && ++calls === 2) controller.abort();
      };
      const { result } = await runTiny(folder, program, { signal: controller.signal }, session);
      runs++;
      if (result.outcome === "finished") {
        const whole = await uninterrupted();
        expect(session.tensors).toEqual(whole.tensors);
        expect(await eventsIn(folder)).toEqual(whole.events);
        break;
      }
      expect(result.outcome).toBe("interrupted");
    }
    expect(runs).toBe(7); // two steps each, and the last evaluation was cut short once
  });

  it("evaluates an epoch from its beginning when it was interrupted in the evaluation", async () => {
    const folder = await temporaryFolder();
    const session = new FakeSession(program);
    const controller = new AbortController();
    let evaluations = 0;
    session.before = (call) => {
      if (call === "evaluate" && ++evaluations === 2) controller.abort();
    };
    const { result } = await runTiny(folder, program, { signal: controller.signal }, session);
    expect(result).toMatchObject({
      outcome: "interrupted",
      progress: { step: 4, epochsClosed: 0 },
    });
    expect((await eventsIn(folder)).at(-1)).toMatchObject({ event: "step", step: 4 });
    await runTiny(folder, program);
    expect(await eventsIn(folder)).toEqual((await uninterrupted()).events);
  });

  it("goes on from a run that had ended without training more", async () => {
    const folder = await temporaryFolder();
    await runTiny(folder, program);
    const { result, session } = await runTiny(folder, program);
    expect(result.outcome).toBe("finished");
    expect(session.steps).toEqual([]);
  });
});

describe("the run folder", () => {
  it("keeps the newest checkpoints only, as many as the file says", async () => {
    const folder = await temporaryFolder();
    await runTiny(folder, program);
    expect(await readdir(runFolderAt(folder).checkpoints)).toEqual(["step-00000008", "step-00000012"]);
  });

  it("holds the resolved configuration and a log that opens with a start and closes with an end", async () => {
    const folder = await temporaryFolder();
    await runTiny(folder, program);
    expect(await readFile(join(folder, "config.yaml"), "utf8")).toContain("name: tiny");
    const lines = (await readFile(join(folder, "events.jsonl"), "utf8")).trim().split("\n");
    const events = lines.map((line) => JSON.parse(line) as { event: string });
    expect(events[0]).toMatchObject({ event: "start", step: 0, engine: "fake" });
    expect(events.at(-1)).toMatchObject({ event: "end", outcome: "finished", step: 12 });
    expect(events.filter(({ event }) => event === "step")).toHaveLength(12);
    expect(events.filter(({ event }) => event === "checkpoint")).toHaveLength(3);
  });
});

describe("a run whose numbers go wrong", () => {
  it("stops at the step whose loss is NaN and keeps the last good checkpoint", async () => {
    const folder = await temporaryFolder();
    const session = new FakeSession(program);
    session.lossIsNaNAt = 6;
    const { result } = await runTiny(folder, program, {}, session);
    expect(result).toMatchObject({
      outcome: "diverged",
      divergence: { step: 6, measured: { loss: Number.NaN }, tensor: "stem.conv" },
    });
    expect(result.checkpoint).toBe(join(runFolderAt(folder).checkpoints, "step-00000004"));
  });

  it("never saves a state that holds NaN, and names the first tensor that does", async () => {
    const folder = await temporaryFolder();
    const session = new FakeSession(program);
    session.weightIsNaNAfter = 8;
    const { result } = await runTiny(folder, program, {}, session);
    expect(result).toMatchObject({
      outcome: "diverged",
      divergence: { step: 8, measured: null, tensor: "stem.norm.weight" },
    });
    expect(await readdir(runFolderAt(folder).checkpoints)).toEqual(["step-00000004"]);
  });
});

describe("a run whose folder cannot be written", () => {
  it.skipIf(process.getuid?.() === 0)("goes on without checkpoints and says so", async () => {
    const folder = await temporaryFolder();
    const { checkpoints } = runFolderAt(folder);
    await mkdir(checkpoints);
    await chmod(checkpoints, 0o500);
    const seen: string[] = [];
    const { result } = await runTiny(folder, program, { observe: ({ event }) => seen.push(event) });
    expect(result).toMatchObject({ outcome: "finished", checkpoint: undefined });
    expect(result.unsaved).toContain("EACCES");
    expect(seen.filter((event) => event === "checkpoint_failed")).toHaveLength(3);
  });

  it("goes on when checkpoints is a file, says so, and still writes its log", async () => {
    const folder = await temporaryFolder();
    await writeFile(runFolderAt(folder).checkpoints, "in the way");
    const { result } = await runTiny(folder, program);
    expect(result).toMatchObject({ outcome: "finished", checkpoint: undefined });
    expect(result.unsaved).toMatch(/^ENOTDIR: not a directory, .*checkpoints/);
    expect(await eventsIn(folder)).toEqual((await uninterrupted()).events);
  });
});

describe("a run that evaluates seldom", () => {
  it("closes the epochs between without an evaluation", async () => {
    const folder = await temporaryFolder();
    const evaluation = { every_epochs: 2, every_steps: null, batch_size: 4, flip: true, translate: 0 };
    await runTiny(folder, programOf(tinyConfig({ train: { evaluation } })));
    const events = (await eventsIn(folder)) as { event: string; epoch: number }[];
    expect(events.filter(({ event }) => event === "epoch").map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(events.filter(({ event }) => event === "evaluation").map(({ epoch }) => epoch)).toEqual([2, 3]);
  });
});
