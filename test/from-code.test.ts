// What README's "From code" does with a file is what `netc run` does with it, to the bit: every recipe of the fixtures and of
// configs/, a few steps each.
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { compile, createLoader, open, openDataset, train } from "../src/index.js";
import type { State } from "../src/runtime/engines/engine.js";
import { sha256Of } from "../src/runtime/files/digest.js";
import { readNewestCheckpoint } from "../src/runtime/run/checkpoint.js";
import { runFolderAt } from "../src/runtime/run/run-folder.js";
import type { TrainingEvent } from "../src/runtime/training/training-events.js";
import { netc } from "./support/netc.js";
import { temporaryFolder } from "./support/temporary-folder.js";
import { eventsIn, timeless } from "./support/tiny-run.js";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const filesIn = (folder: string): string[] => readdirSync(at(folder)).map((name) => join(at(folder), name));

/** Enough that an average has moved; the networks of configs/ are large. */
const STEPS: Readonly<Record<string, number>> = { "fixtures/resume": 6, "fixtures/valid": 3, configs: 3 };
const TIMEOUT = 300_000; // milliseconds, on a busy machine
const OPTIONS = { engine: "wasm", threads: 2 } as const;

/** CIFAR-10 is not on every machine: generated images in its place, few enough to be quick. */
const small = (text: string): string[] => [
  ...(/dataset: cifar10/.test(text)
    ? ["data.dataset={ synthetic: { train_images: 24, test_images: 8, height: 32, width: 32, classes: 10 } }"]
    : []),
  ...(/images: 5000/.test(text) ? ["model.stem.whitening.images=20"] : []),
  ...(/batch_size: \d{3,}/.test(text) ? ["train.batch_size=8", "train.evaluation.batch_size=8"] : []),
];

describe.each([
  ["fixtures/resume", filesIn("fixtures/resume")],
  ["fixtures/valid", filesIn("fixtures/valid").map((folder) => join(folder, "input.yaml"))],
  ["configs", filesIn("../configs").filter((file) => file.endsWith(".yaml") && !/resnet-(32|56)/.test(file))], // ResNet-20, but deeper
])("%s", (folder, files) => {
  const steps = STEPS[folder]!;

  it.each(files.map((file) => [basename(file) === "input.yaml" ? basename(dirname(file)) : basename(file), file]))(
    "trains %s from code to the bits of netc run",
    async (_, file) => {
      const text = readFileSync(file, "utf8");
      const overrides = small(text);
      const out = join(await temporaryFolder(), "run");
      const set = overrides.flatMap((override) => ["--set", override]);
      const flags = ["--no-tune", "--engine", OPTIONS.engine, "--threads", String(OPTIONS.threads)];
      const { exitCode, errors } = await netc(["run", file, "--out", out, "--max-steps", `${steps}`, ...flags, ...set]);
      expect(exitCode, errors).toBe(0);
      const program = compile(text, file, { overrides });
      const { checkpoint } = await readNewestCheckpoint(runFolderAt(out).checkpoints, program);
      const { config } = program;
      const loader = createLoader(await openDataset(config.data, config.seed), config);
      const session = await open(program, OPTIONS);
      try {
        const events: TrainingEvent[] = [];
        await train(program, session, loader, { maxSteps: steps, emit: (event) => events.push(event) });
        expect(digests(await session.readState())).toEqual(digests(checkpoint!.state));
        expect(timeless(events)).toEqual(await eventsIn(out));
      } finally {
        await session.dispose();
      }
    },
    TIMEOUT,
  );
});

function digests(state: State): Record<string, string> {
  return Object.fromEntries(
    [...state].map(([name, { shape, data }]) => {
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      return [name, `${shape.join()} ${sha256Of(bytes)}`];
    }),
  );
}
