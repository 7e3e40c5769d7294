// What `netc graph --code` prints: every instruction that a step runs, with its loops and operands, without running any.
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { kernelsText } from "../../../src/cli/graph/code-text.js";
import { Assembler, at, r10, rax, rdi, rsi, ymm } from "../../../src/compiler/code/asm-x64.js";
import { listingText } from "../../../src/compiler/code/listing.js";
import { repeat } from "../../../src/compiler/code/loops.js";
import { candidates } from "../../../src/compiler/lower/convolutions/convolution-kernels.js";
import { tasksOf } from "../../../src/compiler/lower/convolutions/convolution-tasks.js";
import { lower } from "../../../src/compiler/lower/lower.js";
import { stepsOfRun } from "../../../src/compiler/lower/step-requests.js";
import { codeKernels } from "../../../src/runtime/engines/wasm/code/provider.js";
import { kernelsOfStep } from "../../../src/runtime/engines/wasm/code/step-kernels.js";
import { programOf } from "../../reference/build-program.js";
import { networks } from "../../reference/networks.js";
import { netc } from "../../support/netc.js";

const smoke = fileURLToPath(new URL("../../../configs/smoke.yaml", import.meta.url));

it("shows loops by their indentation, and whose memory each instruction touches", () => {
  const a = new Assembler({ lists: true });
  const behind = a.labelAhead();
  a.mov(rax, rdi);
  a.j("e", behind);
  repeat(a, { count: 6, unroll: 2, counter: r10, steps: [[rax, 32]] }, (turn) => {
    a.load("vmovups", ymm(0), at(rax, turn * 32));
    a.store("vmovups", at(rsi), ymm(0));
  });
  a.place(behind);
  a.ret();
  const bytes = a.finish().length;
  expect(listingText({ bytes, listing: a.listing, notes: a.notes }, ["input", "output"])).toBe(
    `operands: rdi input, rsi output

     0  mov rax, rdi
     3  je +2b
        # 3 turns, 2 at once, counted by r10; each moves rax by 64
     9  mov r10, 3
    10    vmovups ymm0, [rax]                             # of input
    14    vmovups [rsi], ymm0                             # to output
    18    vmovups ymm0, [rax + 32]                        # of input
    1d    vmovups [rsi], ymm0                             # to output
    21    lea rax, [rax + 64]
    25    sub r10, 1
    29    jne +10
    2b  ret
`,
  );
});

it("follows addresses that lie in a table of operands", () => {
  const a = new Assembler({ lists: true });
  a.mov(rax, at(rdi, 24));
  a.load("vmovups", ymm(0), at(rax, 32));
  const bytes = a.finish().length;
  const text = listingText({ bytes, listing: a.listing, notes: a.notes }, ["operands"]);
  expect(text).toMatch(/mov rax, \[rdi \+ 24\] +# of operands\n.*vmovups ymm0, \[rax \+ 32\] +# of operands\[3\]\n/);
});

describe("a step's machine code", () => {
  const provider = codeKernels("avx2");
  const program = programOf(networks["stages with pools and several blocks"]!, { batch: 6 });
  const choice = { providers: [provider], chosen: {} as Record<string, string> };
  for (const [key, task] of tasksOf(program, stepsOfRun(program), [provider])) {
    const first = candidates(task, choice).find(({ name }) => /^code 1 (?:winograd|direct)$/.test(name));
    if (first) choice.chosen[key] = first.name;
  }
  const { step } = lower(program, stepsOfRun(program), 2, choice).steps.find(({ mode }) => mode === "train")!;
  const kernels = kernelsOfStep(step, 0, "avx2");
  const provided = step.calls.filter(({ provided }) => provided);

  it("has kernels for every call that goes to it", () => {
    expect(provided.length).toBeGreaterThan(0);
    expect(provided.filter((call) => !kernels.some(({ calls }) => calls.includes(call)))).toEqual([]);
    expect(new Set(kernels.map(({ name }) => name)).size).toBe(kernels.length);
  });

  it("is listed with sizes and layers, and printed kernel by kernel or layer by layer", () => {
    const table = kernelsText(kernels, "AVX2", undefined);
    for (const { name, bytes } of kernels)
      expect(table).toMatch(new RegExp(`^${name} +${bytes.toLocaleString("en")} `, "m"));
    const [one] = kernels;
    const text = kernelsText(kernels, "AVX2", one!.name);
    expect(text.split("\n")[0]).toMatch(new RegExp(`^${one!.name}: [\\d,]+ bytes, [\\d,]+ instructions for AVX2$`));
    expect(text).toMatch(/ # \d+ turns/);
    expect(text).toMatch(/ # (?:of|to) \w/);
    expect(text).not.toMatch(/ahead/);
    const node = one!.calls[0]!.node;
    const ofLayer = kernels.filter(({ calls }) => calls.some((call) => call.node === node));
    expect(kernelsText(kernels, "AVX2", node).match(/^operands: /gm)).toHaveLength(ofLayer.length);
  });

  it("answers what it has not with what there is", () => {
    const { name } = kernels[0]!;
    expect(() => kernelsText(kernels, "AVX2", `${name}1`)).toThrow(
      `"${name}1" is no kernel of this step, and no layer with one: did you mean ${name}; \`--code\` alone lists them with their layers`,
    );
    expect(() => kernelsText(kernels, "AVX2", "blas")).toThrow(/^"blas" is no kernel .*: there are \w+\.1, /);
    const several = kernels.find(({ name }) => name.endsWith(".2"))!.kind;
    expect(() => kernelsText(kernels, "AVX2", several)).toThrow(
      new RegExp(`^${several} is a kind of \\d+ kernels: ${several}\\.1, `),
    );
  });
});

it("says in a sentence where there is no machine code", async () => {
  const off = await netc(["graph", smoke, "--step", "--code"], { environment: { NETC_CODE: "off" } });
  expect(off).toMatchObject({ exitCode: 1, output: "" });
  expect(off.errors).toBe(
    "error: there is no machine code to show here: NETC_CODE is off; `--step` alone prints the calls of the step\n",
  );
});
