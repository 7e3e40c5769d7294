// An emitted kernel → text that a person can read: its instructions in the order of their bytes, with the loops that they are in
// and which operand each reads or writes.
import type { Assembler } from "./asm-x64.js";
import { generalText } from "./asm-x64.js";
import { SYSTEM_V } from "./loops.js";

/** A kernel as it was emitted, by an assembler that lists. */
export interface Listed {
  readonly bytes: number;
  readonly listing: Assembler["listing"];
  readonly notes: Assembler["notes"];
}

const ARRIVE_IN = SYSTEM_V.operands.map((register) => generalText(register));
/** Columns of the instruction, before what it is about. */
const WIDTH = 56;

/** `operands` are the names of what the kernel is called with. */
export function listingText({ listing, notes }: Listed, operands: readonly string[]): string {
  const depths = loopDepths(listing);
  const whose = new Followed(operands);
  const lines: string[] = [];
  let next = 0;
  for (const [index, { place, text }] of listing.entries()) {
    const indent = "  ".repeat(depths[index]!);
    for (; next < notes.length && notes[next]!.place <= place; next++)
      lines.push(`${" ".repeat(8)}${indent}# ${notes[next]!.text}`);
    const instruction = `${place.toString(16).padStart(6)}  ${indent}${text}`;
    const about = whose.after(text);
    lines.push(about === undefined ? instruction : `${instruction.padEnd(WIDTH)}  # ${about}`);
  }
  return [operandsText(operands), "", ...lines, ""].join("\n");
}

function operandsText(operands: readonly string[]): string {
  return `operands: ${operands.map((name, index) => `${ARRIVE_IN[index]} ${name}`).join(", ")}`;
}

/** In how many loops each instruction is: a jump back closes the loop that begins where it goes. */
function loopDepths(listing: Listed["listing"]): number[] {
  const at = new Map(listing.map(({ place }, index) => [place, index]));
  const depths = listing.map(() => 0);
  for (const [last, { place, text }] of listing.entries()) {
    const target = /^j\w+ \+([0-9a-f]+)$/.exec(text)?.[1];
    const first = target === undefined ? undefined : at.get(Number.parseInt(target, 16));
    if (first === undefined || listing[first]!.place > place) continue;
    for (let index = first; index <= last; index++) depths[index]!++;
  }
  return depths;
}

/** Which operand a register points into: pointers are copied and moved along, and in a loop come back to what they were. */
class Followed {
  private readonly names: Map<string, string>;
  private readonly stack: (string | undefined)[] = [];

  constructor(operands: readonly string[]) {
    this.names = new Map(operands.map((name, index) => [ARRIVE_IN[index]!, name]));
  }

  /** What the instruction reads or writes in memory; the registers are as it leaves them. */
  after(text: string): string | undefined {
    const [, operation, rest = ""] = /^(\S+)(?: (.*))?$/.exec(text)!;
    const parts = rest.split(", ");
    const [to = "", from = ""] = parts;
    const base = /\[(\w+)/.exec(rest)?.[1];
    const name = base === undefined ? undefined : this.names.get(base);
    if (operation === "push") this.stack.push(this.names.get(to));
    else if (operation === "pop") this.set(to, this.stack.pop());
    else if (operation === "lea") this.set(to, name);
    else if (operation === "mov" && from.startsWith("[")) this.set(to, name && `${name}[${wordOf(from)}]`);
    else if (operation === "movabs" || (operation === "mov" && !to.startsWith("["))) this.set(to, this.names.get(from));
    if (operation === "lea" || name === undefined) return undefined;
    return to.startsWith("[") ? `to ${name}` : `of ${name}`;
  }

  private set(register: string, name: string | undefined): void {
    if (name === undefined) this.names.delete(register);
    else this.names.set(register, name);
  }
}

/** Which word of 64 bits a place in memory is, behind where its register points. */
function wordOf(memory: string): number {
  const displacement = / ([+-]) (\d+)\]$/.exec(memory);
  return displacement ? Number(`${displacement[1]}${displacement[2]}`) / 8 : 0;
}
