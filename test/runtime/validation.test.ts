import { describe, expect, it } from "vitest";
import { compileConfig } from "../../src/compiler/compile.js";
import { stepsOfRun } from "../../src/compiler/lower/step-requests.js";
import type { Dataset } from "../../src/runtime/data/dataset.js";
import { keepValidation } from "../../src/runtime/data/keep-validation.js";
import { generateSynthetic } from "../../src/runtime/data/synthetic.js";
import { readRun } from "../../src/runtime/run/read-run.js";
import { runFolderAt } from "../../src/runtime/run/run-folder.js";
import { rewindEventLog } from "../../src/runtime/run/event-log.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { tinyConfig } from "../support/tiny-config.js";
import { eventsIn, programOf, runTiny } from "../support/tiny-run.js";

const config = { train_images: 40, test_images: 10, height: 2, width: 2, channels: 3, classes: 4 };

function textOf({ images }: Dataset["train"], image: number): string {
  return images.subarray(image * 12, image * 12 + 12).join();
}

describe("images kept for validation", () => {
  it("are a share of every class, drawn by the seed, and what is left to train on are the others in their order", () => {
    const whole = generateSynthetic(config, 0);
    const all = Array.from({ length: 40 }, (_, image) => textOf(whole.train, image));
    const { train, validation } = keepValidation(generateSynthetic(config, 0), 8, 0);
    expect([train.count, validation!.count]).toEqual([32, 8]);
    expect([...validation!.labels].toSorted()).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    const parts = [train, validation!].map((set) => Array.from({ length: set.count }, (_, at) => textOf(set, at)));
    expect(parts[0]).toEqual(all.filter((text) => parts[0]!.includes(text)));
    expect(parts.flat().toSorted()).toEqual(all.toSorted());
    const places = parts[1]!.map((text) => all.indexOf(text));
    expect(places.map((place) => place % 4)).toEqual([...validation!.labels]); // classes take turns
    const other = keepValidation(generateSynthetic(config, 0), 8, 1).validation!;
    expect(Array.from({ length: 8 }, (_, at) => textOf(other, at))).not.toEqual(parts[1]);
  });

  it("are as many as were asked for, however unevenly they divide", () => {
    for (const count of [1, 3, 7, 39]) {
      const { train, validation } = keepValidation(generateSynthetic(config, 0), count, 0);
      expect([train.count, validation!.count]).toEqual([40 - count, count]);
    }
  });
});

describe("a run with validation images", () => {
  const tiny = tinyConfig();

  it("plans batches of them as large as evaluation takes, though there are fewer test images", () => {
    const synthetic = { ...config, height: 8, width: 8, train_images: 61, test_images: 8 };
    const { train } = tiny;
    const program = programOf({
      ...tinyConfig({ data: { dataset: { synthetic }, validation: 0.4 } }),
      train: { ...train, batch_size: 6, evaluation: { ...train.evaluation, batch_size: 256 } },
    });
    const evaluated = stepsOfRun(program).filter(({ mode }) => mode === "evaluate");
    expect(evaluated.map(({ batch }) => batch)).toEqual([8, 24]);
  });

  const kept = programOf({ ...tiny, data: { ...tiny.data, validation: 0.25 } });

  it("has fewer steps, evaluates by them, and the test images once at its end", async () => {
    expect(kept.plan).toMatchObject({ trainImages: 30, validationImages: 10, testImages: 10 });
    const folder = await temporaryFolder();
    const { result } = await runTiny(folder, kept);
    const events = (await eventsIn(folder)) as { event: string; set?: string; step: number }[];
    const sets = events.filter(({ event }) => event === "evaluation").map(({ set }) => set);
    expect(sets).toEqual([...sets.slice(0, -1).map(() => "validation"), "test"]);
    expect(sets.length).toBeGreaterThan(1);
    const run = await readRun(runFolderAt(folder));
    expect(run.lastEvaluation?.set).toBe("validation");
    expect(run.testEvaluation?.accuracy).toBe(run.end?.testAccuracy);
    expect("test" in result && result.test?.accuracy).toBe(run.end?.testAccuracy);
  });

  it("that is stopped and resumed logs what one that was not logs", async () => {
    const [whole, stopped] = [await temporaryFolder(), await temporaryFolder()];
    await runTiny(whole, kept);
    await runTiny(stopped, kept, { maxSteps: 4 });
    await rewindEventLog(runFolderAt(stopped).events, (await runTiny(stopped, kept, { maxSteps: 4 })).result.progress);
    await runTiny(stopped, kept);
    const trained = (events: object[]) => events.filter((one) => /"(step|epoch|evaluation)"/.test(JSON.stringify(one)));
    expect(trained(await eventsIn(stopped)).at(-1)).toEqual(trained(await eventsIn(whole)).at(-1));
  });

  it("without them goes by the test images, as ever", () => {
    expect(compileConfig(tiny).value!.plan).toMatchObject({ trainImages: 40, validationImages: 0 });
  });
});
