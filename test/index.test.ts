// The public API: what is left of it once what it is made of has been tested.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { compile, NetcError, open, UserError } from "../src/index.js";
import type { OpenOptions } from "../src/index.js";
import { temporaryFolder } from "./support/temporary-folder.js";

const TEXT = `name: network
data: { dataset: { synthetic: { train_images: 64, test_images: 16, classes: 4 } } }
model: { stem: { channels: 16 }, stages: [{ channels: 16, blocks: 1 }] }
train: { epochs: 1, batch_size: 64, learning_rate: 0.1, evaluation: { batch_size: 16 } }
`;

beforeEach(async () => {
  vi.stubEnv("NETC_CACHE", await temporaryFolder());
});
afterEach(() => {
  vi.unstubAllEnvs();
});

it("compiles a text with what is laid over it, and throws all of its faults", () => {
  expect(compile(TEXT, "a.yaml", { overrides: ["seed=3"] }).config.seed).toBe(3);
  const faulty = () => compile(TEXT, "a.yaml", { overrides: ["seed=x", "train.epochs=0"] });
  expect(faulty).toThrow(NetcError);
  expect(faulty).toThrow(/train\.epochs.*\n.*seed/);
});

it("opens a program on the kernels that are predicted, and measures them where that is asked for", async () => {
  const program = compile(TEXT);
  const predicted = await open(program, { threads: 1 });
  expect(predicted.kernels).toEqual({});
  await predicted.dispose();
  const measured = await open(program, { threads: 1, kernels: "measured" });
  expect(measured.kernels).not.toEqual({});
  await measured.dispose();
});

it("reads what a text extends beside the file that it is said to be of", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "base.yaml"), TEXT);
  const { config } = compile("extends: base.yaml\nseed: 5\n", join(folder, "top.yaml"));
  expect([config.seed, config.train.batch_size]).toEqual([5, 64]);
  expect(() => compile("extends: none.yaml\n", join(folder, "top.yaml"))).toThrow(/there is no file at .*none\.yaml/);
});

it("refuses options that mean nothing, and programs that the engine cannot train", async () => {
  const program = compile(TEXT);
  const bfloat16 = compile(TEXT, "a.yaml", { overrides: ["train.precision=bfloat16"] });
  const images = "data.dataset={ synthetic: { train_images: 4096, test_images: 16, height: 128, width: 128 } }";
  const large = compile(TEXT, "a.yaml", { overrides: [images, "train.batch_size=4096"] });
  const refused: readonly (readonly [object, RegExp, typeof program?])[] = [
    [{ threads: 0 }, /^threads must be a whole number of at least 1, found 0$/],
    [{ threads: "2" }, /^threads must be a whole number of at least 1, found 2$/],
    [{ device: "gpu:0" }, /^a device is \{ kind: "cpu" \} or .*, found "gpu:0"$/],
    [{ kernels: "fastest" }, /^kernels are "predicted", "measured", or those of a session, found "fastest"$/],
    [{ engine: "cuda" }, /^there is no engine cuda/],
    [{ engine: "cpu" }, /float32/, bfloat16],
    [{ threads: 1 }, /^the network's steps need \d+\.\d GB, and the wasm engine can address 4\.3 GB/, large],
  ];
  for (const [options, sentence, asked = program] of refused) {
    const opening = open(asked, options as OpenOptions);
    await expect(opening, JSON.stringify(options)).rejects.toThrow(sentence);
    await expect(opening).rejects.toThrow(UserError);
  }
});

it("leaves V8's flags as they were and loads no library, where kernels are predicted", async () => {
  const code = `
    import { existsSync, readFileSync } from "node:fs";
    import vm from "node:vm";
    import { compile, open } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
    // Compiled code is taken again under the same flags alone
    const source = "(() => 1)()".repeat(9);
    const cachedData = new vm.Script(source).createCachedData();
    const session = await open(compile(${JSON.stringify(TEXT)}));
    const { cachedDataRejected } = new vm.Script(source, { cachedData });
    const maps = existsSync("/proc/self/maps") ? readFileSync("/proc/self/maps", "utf8") : "";
    console.log(cachedDataRejected, /dnnl|koffi/.test(maps));
    await session.dispose();
  `;
  const { NETC_ONEDNN: _, ...env } = process.env;
  const args = ["--input-type=module", "--eval", code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  expect(stdout.trim()).toBe("false false");
});
