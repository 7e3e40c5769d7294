// A small x86-64 assembler: calls in, bytes out. It has the instructions that kernels over float32 need, in VEX form (AVX2, FMA)
// or EVEX form (AVX-512), encoded as GNU as encodes them; Intel's manual, volume 2, is where the numbers are from. With a
// listing it notes each instruction as text beside the place of its bytes.

/** A general register, by its number. */
export type General = number;
export const [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
] as const;

/** A vector register: its number and the bytes that it holds. */
export interface Vector {
  readonly n: number;
  readonly bytes: 16 | 32 | 64;
}
export const xmm = (n: number): Vector => ({ n, bytes: 16 });
export const ymm = (n: number): Vector => ({ n, bytes: 32 });
export const zmm = (n: number): Vector => ({ n, bytes: 64 });

/** [base + index · scale + displacement] */
export interface Memory {
  readonly base: General;
  readonly displacement: number;
  readonly index?: General;
  readonly scale: 1 | 2 | 4 | 8;
}
export function at(base: General, displacement = 0, index?: General, scale: Memory["scale"] = 1): Memory {
  return { base, displacement, ...(index !== undefined && { index }), scale };
}

/** A place in the code to jump to. */
export interface Label {
  place: number | undefined;
}

export interface VectorOptions {
  /** One of k1 to k7, whose bits choose lanes; the others keep what they had, or become zero. AVX-512 alone. */
  readonly mask?: number;
  readonly zero?: boolean;
  /** One element of memory in every lane. AVX-512 alone. */
  readonly broadcast?: boolean;
}

/** One instruction as text, and where its bytes begin. */
export interface ListedInstruction {
  readonly place: number;
  readonly text: string;
}

/** What the instructions are for that begin there. */
export type ListedNote = ListedInstruction;

/** What stands in front of an opcode: no byte, 66, F3 or F2; as VEX and EVEX number them. */
const [NONE, P66, PF3] = [0, 1, 2];
/** The opcode maps 0F, 0F38 and 0F3A. */
const [M0F, M0F38, M0F3A] = [1, 2, 3];

/**
 * Of an instruction: prefix, map, opcode, the bit W of its EVEX form, and which part of a vector it reads of memory, in units of
 * which EVEX counts displacements of one byte.
 */
type Encoding = readonly [
  prefix: number,
  map: number,
  opcode: number,
  w: 0 | 1,
  reads: "all" | "half" | "quarter" | "element",
];

/** to = a ∘ b, element by element; of the fused ones `to` takes part, in the order that the digits say. */
const BINARY = {
  vaddps: [NONE, M0F, 0x58, 0, "all"],
  vmulps: [NONE, M0F, 0x59, 0, "all"],
  vsubps: [NONE, M0F, 0x5c, 0, "all"],
  vminps: [NONE, M0F, 0x5d, 0, "all"],
  vdivps: [NONE, M0F, 0x5e, 0, "all"],
  vmaxps: [NONE, M0F, 0x5f, 0, "all"],
  vandps: [NONE, M0F, 0x54, 0, "all"],
  vxorps: [NONE, M0F, 0x57, 0, "all"],
  vpaddd: [P66, M0F, 0xfe, 0, "all"],
  vpackusdw: [P66, M0F38, 0x2b, 0, "all"],
  vaddpd: [P66, M0F, 0x58, 1, "all"],
  vmulpd: [P66, M0F, 0x59, 1, "all"],
  vsubpd: [P66, M0F, 0x5c, 1, "all"],
  vdivpd: [P66, M0F, 0x5e, 1, "all"],
  vmaxpd: [P66, M0F, 0x5f, 1, "all"],
  vfmadd132ps: [P66, M0F38, 0x98, 0, "all"],
  vfmadd213ps: [P66, M0F38, 0xa8, 0, "all"],
  vfmadd231ps: [P66, M0F38, 0xb8, 0, "all"],
  vfnmadd132ps: [P66, M0F38, 0x9c, 0, "all"],
  vfnmadd213ps: [P66, M0F38, 0xac, 0, "all"],
  vfnmadd231ps: [P66, M0F38, 0xbc, 0, "all"],
  /** Adds the products of two bfloat16 to each float32: the upper one's, then the lower one's. AVX-512 BF16 alone. */
  vdpbf16ps: [PF3, M0F38, 0x52, 0, "all"],
  vfmadd231pd: [P66, M0F38, 0xb8, 1, "all"],
} as const satisfies Readonly<Record<string, Encoding>>;
export type BinaryInstruction = keyof typeof BINARY;

const UNARY = {
  vbroadcastss: [P66, M0F38, 0x18, 0, "element"],
  vbroadcastsd: [P66, M0F38, 0x19, 1, "element"],
  vcvtps2pd: [NONE, M0F, 0x5a, 0, "half"],
  vsqrtpd: [P66, M0F, 0x51, 1, "all"],
  vpmovzxwd: [P66, M0F38, 0x33, 0, "half"],
} as const satisfies Readonly<Record<string, Encoding>>;
export type UnaryInstruction = keyof typeof UNARY;

/** Prefix, and the opcodes that load and store. */
const MOVES = {
  vmovups: [NONE, 0x10, 0x11],
  vmovaps: [NONE, 0x28, 0x29],
  vmovss: [PF3, 0x10, 0x11],
} as const;
export type MoveInstruction = keyof typeof MOVES;

const ARITHMETIC = { add: 0, or: 1, and: 4, sub: 5, xor: 6, cmp: 7 } as const;
export type ArithmeticInstruction = keyof typeof ARITHMETIC;

const CONDITIONS = { b: 2, ae: 3, e: 4, ne: 5, be: 6, a: 7, l: 12, ge: 13, le: 14, g: 15 } as const;
export type Condition = keyof typeof CONDITIONS;

export class Assembler {
  #code = new Uint8Array(1 << 14);
  #size = 0;
  /** Places of 32 bits that wait for their label. */
  readonly #jumps: { readonly place: number; readonly label: Label }[] = [];
  /** Their text is made when it is asked for: a jump ahead knows only then where it goes. */
  readonly #listing: { readonly place: number; readonly text: () => string }[] | undefined;
  readonly #notes: ListedNote[] = [];

  constructor({ lists = false } = {}) {
    this.#listing = lists ? [] : undefined;
  }

  get size(): number {
    return this.#size;
  }

  get listing(): readonly ListedInstruction[] {
    return (this.#listing ?? []).map(({ place, text }) => ({ place, text: text() }));
  }

  get notes(): readonly ListedNote[] {
    return this.#notes;
  }

  /** What the instructions from here on are for, where somebody lists them. */
  note(text: () => string): void {
    if (this.#listing) this.#notes.push({ place: this.#size, text: text() });
  }

  /** The bytes, with every jump's distance filled in. */
  finish(): Uint8Array {
    const view = new DataView(this.#code.buffer);
    for (const { place, label } of this.#jumps) {
      if (label.place === undefined) throw new Error("a jump goes to a label that was never placed");
      view.setInt32(place, label.place - place - 4, true);
    }
    return this.#code.slice(0, this.#size);
  }

  // Control

  /** Here. */
  label(): Label {
    return { place: this.#size };
  }
  /** Further on, where `place` is called with it. */
  labelAhead(): Label {
    return { place: undefined };
  }
  place(label: Label): void {
    label.place = this.#size;
  }
  j(condition: Condition, label: Label): void {
    this.#list(() => `j${condition} ${labelText(label)}`);
    this.#jump([0x70 + CONDITIONS[condition]], [0x0f, 0x80 + CONDITIONS[condition]], label);
  }
  jmp(label: Label): void {
    this.#list(() => `jmp ${labelText(label)}`);
    this.#jump([0xeb], [0xe9], label);
  }
  ret(): void {
    this.#list(() => "ret");
    this.#put(0xc3);
  }

  // General registers, 64 bits wide

  mov(to: General | Memory, from: General | Memory): void {
    this.#list(() => `mov ${operandText(to)}, ${operandText(from)}`);
    if (typeof to === "object") this.#general([0x89], from as General, to);
    else if (typeof from === "object") this.#general([0x8b], to, from);
    else this.#general([0x89], from, to);
  }
  /** A constant. */
  set(to: General, value: number): void {
    const isSmall = value === (value | 0);
    this.#list(() => `${isSmall ? "mov" : "movabs"} ${generalText(to)}, ${value}`);
    if (isSmall) {
      this.#general([0xc7], 0, to);
      this.#put32(value);
      return;
    }
    this.#put(0x48 | (to >> 3), 0xb8 | (to & 7));
    this.#put32(Number(BigInt.asIntN(32, BigInt(value))));
    this.#put32(Number(BigInt.asIntN(32, BigInt(value) >> 32n)));
  }
  /** The address itself; leaves the flags alone. */
  lea(to: General, memory: Memory): void {
    this.#list(() => `lea ${generalText(to)}, ${memoryText(memory)}`);
    this.#general([0x8d], to, memory);
  }
  arithmetic(name: ArithmeticInstruction, to: General, from: General | Memory): void {
    this.#list(() => `${name} ${generalText(to)}, ${operandText(from)}`);
    const opcode = ARITHMETIC[name] << 3;
    if (typeof from === "object") this.#general([opcode | 3], to, from);
    else this.#general([opcode | 1], from, to);
  }
  arithmeticWith(name: ArithmeticInstruction, to: General, value: number): void {
    this.#list(() => `${name} ${generalText(to)}, ${value}`);
    const code = ARITHMETIC[name];
    if (isByte(value)) {
      this.#general([0x83], code, to);
      this.#put(value & 255);
      return;
    }
    if (to === rax) this.#put(0x48, (code << 3) | 5);
    else this.#general([0x81], code, to);
    this.#put32(value);
  }
  push(register: General): void {
    this.#list(() => `push ${generalText(register)}`);
    this.#put(...(register > 7 ? [0x41] : []), 0x50 | (register & 7));
  }
  pop(register: General): void {
    this.#list(() => `pop ${generalText(register)}`);
    this.#put(...(register > 7 ? [0x41] : []), 0x58 | (register & 7));
  }
  /** What the processor is: leaf eax, subleaf ecx → eax, ebx, ecx, edx. */
  cpuid(): void {
    this.#list(() => "cpuid");
    this.#put(0x0f, 0xa2);
  }
  /** What the system saves of the registers: ecx = 0 → eax, edx. */
  xgetbv(): void {
    this.#list(() => "xgetbv");
    this.#put(0x0f, 0x01, 0xd0);
  }

  // Vectors

  op(name: BinaryInstruction, to: Vector, a: Vector, b: Vector | Memory, options: VectorOptions = {}): void {
    this.#list(() => {
      const spread = options.broadcast ? `{1to${to.bytes / (name.endsWith("pd") ? 8 : 4)}}` : "";
      return `${name} ${vectorText(to)}${maskText(options)}, ${vectorText(a)}, ${operandText(b)}${spread}`;
    });
    const [prefix, map, opcode, w, reads] = BINARY[name];
    const operands = { bytes: to.bytes, register: to.n, second: a.n, other: b };
    this.#vector({ prefix, map, opcode, w, reads, ...operands, ...options, evex: name === "vdpbf16ps" });
  }
  unary(name: UnaryInstruction, to: Vector, from: Vector | Memory, options: VectorOptions = {}): void {
    this.#list(() => `${name} ${vectorText(to)}${maskText(options)}, ${operandText(from)}`);
    const [prefix, map, opcode, w, reads] = UNARY[name];
    this.#vector({
      prefix,
      map,
      opcode,
      w,
      reads,
      bytes: to.bytes,
      register: to.n,
      second: 0,
      other: from,
      ...options,
    });
  }
  load(name: MoveInstruction, to: Vector, from: Vector | Memory, options: VectorOptions = {}): void {
    this.#list(() => `${name} ${vectorText(to)}${maskText(options)}, ${operandText(from)}`);
    const [prefix, opcode, storing] = MOVES[name];
    // From a high register to a low one, the form that stores is a byte shorter
    if ("n" in from && !needsEvex(to, from, options) && from.n > 7 && to.n < 8) {
      this.#move(prefix, storing, from, to, options, false);
    } else this.#move(prefix, opcode, to, from, options, name === "vmovss");
  }
  store(name: MoveInstruction, to: Memory, from: Vector, options: Pick<VectorOptions, "mask"> = {}): void {
    this.#list(() => `${name} ${memoryText(to)}${maskText(options)}, ${vectorText(from)}`);
    const [prefix, , opcode] = MOVES[name];
    this.#move(prefix, opcode, from, to, options, name === "vmovss");
  }
  /** Half of a register: the lower one by number 0, the upper one by 1. */
  extractHalf(to: Vector, from: Vector, half: 0 | 1): void {
    const name = from.bytes === 64 ? "vextractf64x4" : "vextractf128";
    this.#list(() => `${name} ${vectorText(to)}, ${vectorText(from)}, ${half}`);
    const [opcode, w, evex] = from.bytes === 64 ? ([0x1b, 1, true] as const) : ([0x19, 0, false] as const);
    this.#vector({
      prefix: P66,
      map: M0F3A,
      opcode,
      w,
      reads: "half",
      bytes: from.bytes,
      register: from.n,
      second: 0,
      other: to,
      evex,
    });
    this.#put(half);
  }
  /** Each 128 bits' four floats in the order that two bits each of `order` say. */
  permuteQuarters(to: Vector, from: Vector | Memory, order: number): void {
    this.#list(() => `vpermilps ${vectorText(to)}, ${operandText(from)}, ${order}`);
    this.#vector({
      prefix: P66,
      map: M0F3A,
      opcode: 0x04,
      w: 0,
      reads: "all",
      bytes: to.bytes,
      register: to.n,
      second: 0,
      other: from,
    });
    this.#put(order);
  }
  /** Doubles → float32 in a register half as long. */
  narrow(to: Vector, from: Vector): void {
    this.#list(() => `vcvtpd2ps ${vectorText(to)}, ${vectorText(from)}`);
    const { bytes } = from;
    this.#vector({
      prefix: P66,
      map: M0F,
      opcode: 0x5a,
      w: 1,
      reads: "all",
      bytes,
      register: to.n,
      second: 0,
      other: from,
    });
  }
  /** Ones in each lane where a < b: in a mask of AVX-512, by its number, or in the lanes of a register. */
  whereLess(to: number | Vector, a: Vector, b: Vector | Memory): void {
    const evex = typeof to === "number";
    const register = evex ? to : to.n;
    this.#list(() => `vcmpltps ${evex ? `k${to}` : vectorText(to)}, ${vectorText(a)}, ${operandText(b)}`);
    const { bytes, n: second } = a;
    this.#vector({ prefix: NONE, map: M0F, opcode: 0xc2, w: 0, reads: "all", bytes, register, second, other: b, evex });
    this.#put(1);
  }
  /** Lanes of 32 bits shifted left: of a bfloat16 in the lower half it makes a float32. */
  shiftLeft(to: Vector, from: Vector, bits: number): void {
    this.#shift("vpslld", 6, to, from, bits);
  }
  /** Lanes of 32 bits shifted right, with zeros from the left. */
  shiftRight(to: Vector, from: Vector, bits: number): void {
    this.#shift("vpsrld", 2, to, from, bits);
  }
  /** Every bit set. */
  ones(to: Vector): void {
    const isEvex = to.bytes === 64 || to.n > 15;
    const name = isEvex ? "vpternlogd" : "vpcmpeqd";
    this.#list(() => [name, [to, to, to].map(vectorText).join(", ")].join(" ") + (isEvex ? ", 255" : ""));
    const same = { prefix: P66, w: 0, reads: "all", bytes: to.bytes, register: to.n, second: to.n, other: to } as const;
    this.#vector(isEvex ? { ...same, map: M0F3A, opcode: 0x25 } : { ...same, map: M0F, opcode: 0x76 });
    if (isEvex) this.#put(255);
  }
  /** The lower halves of lanes of 32 bits, one after the other. AVX-512 alone. */
  storeLowerHalves(to: Memory, from: Vector): void {
    this.#list(() => `vpmovdw ${memoryText(to)}, ${vectorText(from)}`);
    this.#vector({
      prefix: PF3,
      map: M0F38,
      opcode: 0x33,
      w: 0,
      reads: "half",
      bytes: from.bytes,
      register: from.n,
      second: 0,
      other: to,
      evex: true,
    });
  }
  /** The lower half of `from` → the first lane. */
  vmovd(to: Vector, from: General): void {
    this.#list(() => `vmovd ${vectorText(xmm(to.n))}, ${generalText(from, 32)}`);
    this.#vector({
      prefix: P66,
      map: M0F,
      opcode: 0x6e,
      w: 0,
      reads: "element",
      bytes: 16,
      register: to.n,
      second: 0,
      other: xmm(from),
    });
  }
  vzeroupper(): void {
    this.#list(() => "vzeroupper");
    this.#put(0xc5, 0xf8, 0x77);
  }
  /** A float32 in every lane, by way of rax. */
  spread(to: Vector, value: number): void {
    this.set(rax, new Int32Array(Float32Array.of(value).buffer)[0]!);
    this.vmovd(to, rax);
    this.unary("vbroadcastss", to, xmm(to.n));
  }

  // Encodings

  #list(text: () => string): void {
    this.#listing?.push({ place: this.#size, text });
  }

  #put(...bytes: number[]): void {
    if (this.#size + bytes.length > this.#code.length) {
      const larger = new Uint8Array(this.#code.length * 2);
      larger.set(this.#code);
      this.#code = larger;
    }
    for (const byte of bytes) this.#code[this.#size++] = byte;
  }
  #put32(value: number): void {
    this.#put(value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255);
  }

  /** A jump back knows its distance, and takes two bytes where that is short. */
  #jump(short: readonly number[], long: readonly number[], label: Label): void {
    const distance = label.place === undefined ? undefined : label.place - this.#size - 2;
    if (distance !== undefined && isByte(distance)) {
      this.#put(...short, distance & 255);
      return;
    }
    this.#put(...long);
    this.#jumps.push({ place: this.#size, label });
    this.#put32(0);
  }

  /** REX.W, opcode, ModRM: a register with another or with memory. */
  #general(opcode: readonly number[], register: General, other: General | Memory): void {
    const isMemory = typeof other === "object";
    const base = isMemory ? other.base : other;
    const index = isMemory ? (other.index ?? 0) : 0;
    this.#put(0x48 | (register > 7 ? 4 : 0) | (index > 7 ? 2 : 0) | (base > 7 ? 1 : 0), ...opcode);
    if (isMemory) this.#memory(register, other, 1);
    else this.#put(0xc0 | ((register & 7) << 3) | (base & 7));
  }

  /** ModRM, SIB and displacement; `unit` is what a displacement of one byte counts in. */
  #memory(register: number, { base, displacement, index, scale }: Memory, unit: number): void {
    const reg = (register & 7) << 3;
    const isSmall = displacement % unit === 0 && isByte(displacement / unit);
    // With rbp and r13 as base, no displacement at all would mean something else
    const mode = displacement === 0 && (base & 7) !== rbp ? 0 : isSmall ? 0x40 : 0x80;
    if (index === rsp) throw new Error("rsp cannot be an index");
    if (index !== undefined) this.#put(mode | reg | 4, (Math.log2(scale) << 6) | ((index & 7) << 3) | (base & 7));
    else if ((base & 7) === rsp) this.#put(mode | reg | 4, 0x20 | (base & 7));
    else this.#put(mode | reg | (base & 7));
    if (mode === 0x40) this.#put((displacement / unit) & 255);
    else if (mode === 0x80) this.#put32(displacement);
  }

  #shift(name: string, digit: number, to: Vector, from: Vector, bits: number): void {
    this.#list(() => `${name} ${vectorText(to)}, ${vectorText(from)}, ${bits}`);
    this.#vector({
      prefix: P66,
      map: M0F,
      opcode: 0x72,
      w: 0,
      reads: "all",
      bytes: to.bytes,
      register: digit,
      second: to.n,
      other: from,
    });
    this.#put(bits);
  }

  #move(
    prefix: number,
    opcode: number,
    register: Vector,
    other: Vector | Memory,
    options: VectorOptions,
    isOne: boolean,
  ) {
    const { n, bytes } = register;
    const reads = isOne ? "element" : "all";
    this.#vector({ prefix, map: M0F, opcode, w: 0, reads, bytes, register: n, second: 0, other, ...options });
  }

  #vector(instruction: VectorInstruction): void {
    const { bytes, register, second, other, mask, broadcast, evex = false } = instruction;
    const isHigh = register > 15 || second > 15 || ("n" in other && other.n > 15);
    if (evex || bytes === 64 || isHigh || mask || broadcast) this.#evex(instruction);
    else this.#vex(instruction);
  }

  #vex({ prefix, map, opcode, w, bytes, register, second, other }: VectorInstruction): void {
    const r = register > 7 ? 0 : 0x80;
    const x = "base" in other && (other.index ?? 0) > 7 ? 0 : 0x40;
    const b = ("base" in other ? other.base : other.n) > 7 ? 0 : 0x20;
    const rest = ((~second & 15) << 3) | (bytes === 32 ? 4 : 0) | prefix;
    // Here W tells fused doubles from floats, and nothing else
    const isFused = map === M0F38 && opcode >= 0x90;
    if (map === M0F && x && b) this.#put(0xc5, r | rest, opcode);
    else this.#put(0xc4, r | x | b | map, (isFused ? w << 7 : 0) | rest, opcode);
    this.#operand(register, other, 1);
  }

  #evex({ prefix, map, opcode, w, reads, bytes, register, second, other, ...options }: VectorInstruction): void {
    const { mask = 0, zero = false, broadcast = false } = options;
    const inverted = (bit: number): number => (bit ? 0 : 1);
    const [r, r2] = [inverted(register & 8), inverted(register & 16)];
    const x = inverted("base" in other ? (other.index ?? 0) & 8 : other.n & 16);
    const b = inverted("base" in other ? other.base & 8 : other.n & 8);
    this.#put(0x62, (r << 7) | (x << 6) | (b << 5) | (r2 << 4) | map, (w << 7) | ((~second & 15) << 3) | 4 | prefix);
    const length = Math.log2(bytes / 16);
    const v2 = inverted(second & 16);
    this.#put((Number(zero) << 7) | (length << 5) | (Number(broadcast) << 4) | (v2 << 3) | mask, opcode);
    const element = w ? 8 : 4;
    const units = { all: bytes, half: bytes / 2, quarter: bytes / 4, element };
    this.#operand(register, other, broadcast ? element : units[reads]);
  }

  #operand(register: number, other: Vector | Memory, unit: number): void {
    if ("base" in other) this.#memory(register, other, unit);
    else this.#put(0xc0 | ((register & 7) << 3) | (other.n & 7));
  }
}

interface VectorInstruction extends VectorOptions {
  readonly prefix: number;
  readonly map: number;
  readonly opcode: number;
  readonly w: 0 | 1;
  readonly reads: Encoding[4];
  readonly bytes: Vector["bytes"];
  /** ModRM's register, the register that V names, and ModRM's other operand. */
  readonly register: number;
  readonly second: number;
  readonly other: Vector | Memory;
  /** Where there is no VEX form. */
  readonly evex?: boolean;
}

function needsEvex(to: Vector, from: Vector, { mask }: VectorOptions): boolean {
  return to.bytes === 64 || to.n > 15 || from.n > 15 || Boolean(mask);
}

function isByte(value: number): boolean {
  return value >= -128 && value <= 127;
}

const GENERAL_NAMES = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split(" ");

export function generalText(register: General, bits: 32 | 64 = 64): string {
  const name = GENERAL_NAMES[register]!;
  if (bits === 64) return name;
  return register < 8 ? name.replace("r", "e") : `${name}d`;
}

function vectorText({ n, bytes }: Vector): string {
  return `${{ 16: "xmm", 32: "ymm", 64: "zmm" }[bytes]}${n}`;
}

function memoryText({ base, displacement, index, scale }: Memory): string {
  const along = index === undefined ? "" : ` + ${generalText(index)}*${scale}`;
  const further = displacement === 0 ? "" : displacement < 0 ? ` - ${-displacement}` : ` + ${displacement}`;
  return `[${generalText(base)}${along}${further}]`;
}

function operandText(operand: General | Vector | Memory): string {
  if (typeof operand === "number") return generalText(operand);
  return "base" in operand ? memoryText(operand) : vectorText(operand);
}

function maskText({ mask, zero }: VectorOptions): string {
  return `${mask ? `{k${mask}}` : ""}${zero ? "{z}" : ""}`;
}

function labelText({ place }: Label): string {
  return place === undefined ? "ahead" : `+${place.toString(16)}`;
}
