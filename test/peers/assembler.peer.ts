// The assembler beside GNU as: what it lists of random instructions, as makes the very bytes of.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Assembler } from "../../src/compiler/code/asm-x64.js";
import { randomInstructions } from "../compiler/code/instructions.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

it(`encodes as GNU as does, over random operands from seed ${seed}`, async () => {
  const a = new Assembler({ lists: true });
  for (const emit of randomInstructions(seed, 60)) emit(a);
  const code = a.finish();
  const theirs = await assembled(a.listing.map(({ text }) => text));
  const wrong = a.listing.flatMap(({ place, text }, index) => {
    const ours = hex(code.subarray(place, a.listing[index + 1]?.place ?? code.length));
    return ours === theirs[index] ? [] : [`${text}: ${ours}, as makes ${theirs[index]}`];
  });
  expect(a.listing.length).toBeGreaterThan(5000);
  expect(wrong.slice(0, 20)).toEqual([]);
});

/** The bytes of each line, off as's own listing. */
async function assembled(lines: readonly string[]): Promise<string[]> {
  const folder = await temporaryFolder();
  const [source, listing] = ["code.s", "listing"].map((name) => join(folder, name)) as [string, string];
  writeFileSync(source, `.intel_syntax noprefix\n${lines.join("\n")}\n`);
  execFileSync("as", [`-aln=${listing}`, "--listing-lhs-width=8", "-o", join(folder, "code.o"), source]);
  const bytes: string[] = [];
  for (const line of readFileSync(listing, "utf8").split("\n")) {
    const [, number, words] = /^\s*(\d+) [0-9a-f?]{4} ([0-9A-F ]+?)\s*(?:\t|$)/.exec(line) ?? [];
    if (number) bytes[Number(number) - 2] = (words ?? "").replaceAll(" ", "").toLowerCase();
  }
  return bytes;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
