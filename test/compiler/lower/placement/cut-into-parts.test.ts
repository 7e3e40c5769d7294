// How many images an evaluation takes through the network at once, and what the step of it then says.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileText } from "../../../../src/compiler/compile.js";
import { imagesAtOnce } from "../../../../src/compiler/lower/placement/cut-into-parts.js";
import { kernelGraphOf, lower } from "../../../../src/compiler/lower/lower.js";
import { printStep } from "../../../../src/compiler/lower/placement/print-step.js";
import type { Program } from "../../../../src/compiler/program.js";

function configured(file: string): Program {
  const text = readFileSync(new URL(`../../../../${file}`, import.meta.url), "utf8");
  return compileText(text, file).value!;
}

const resnet20 = configured("configs/resnet-20.yaml");
const atOnce = (program: Program, batch: number, threads: number): number =>
  imagesAtOnce(kernelGraphOf(program, "evaluate", 0), batch, threads);

describe("imagesAtOnce", () => {
  it("keeps the maps of a narrow network in the cache", () => {
    expect(atOnce(resnet20, 256, 2)).toBe(32);
    expect(atOnce(resnet20, 16, 2)).toBe(16);
  });

  it("gives many threads enough to do", () => {
    expect(atOnce(resnet20, 256, 16)).toBe(64);
  });

  it("takes a size of which few images are worked on twice", () => {
    expect(atOnce(resnet20, 250, 2)).toBe(25);
    expect(atOnce(resnet20, 257, 2)).toBe(26); // ten parts, three images twice; of nine parts of 32, 31
  });

  it("leaves a batch whole where filters are larger than maps", () => {
    expect(atOnce(configured("bench/configs/wide-resnet-9.yaml"), 256, 2)).toBe(256);
  });
});

describe("an evaluation in parts", () => {
  const step = lower(resnet20, [{ mode: "evaluate", batch: 256, phase: 0 }], 2).steps[0]!.step;
  const { first, end, parts } = step.repeated!;

  it("lists the calls of every part, each with its own images and logits", () => {
    expect(parts).toBe(8);
    expect(step.calls).toHaveLength(first + 8 * (end - first) + 1);
    const ofKernel = (kernel: string) => step.calls.filter((call) => call.kernel === kernel);
    const images = ofKernel("load_images").map(({ operands }) => operands[0]!);
    expect(images.map((address) => address - images[0]!)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((part) => part * 32 * 3072),
    );
    expect(ofKernel("softmax_cross_entropy")).toHaveLength(1);
    expect(ofKernel("fold_batch_norm")).toHaveLength(21);
  });

  it("is printed with one part written out", () => {
    const lines = printStep(step).split("\n");
    expect(lines.filter((line) => line.includes("load_images"))).toHaveLength(1);
    expect(lines).toContainEqual(
      expect.stringMatching(
        new RegExp(`^ +calls ${first} to ${end - 1} once more for each other of 8 parts of the batch$`),
      ),
    );
    expect(lines.at(-3)).toContain("softmax_cross_entropy  # loss");
  });
});
