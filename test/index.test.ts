// The public API: what is left of it once what it is made of has been tested.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { compile, NetcError, open } from "../src/index.js";
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
