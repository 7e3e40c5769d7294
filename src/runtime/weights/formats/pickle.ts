// A Python pickle → what it says, as data. Nothing in it is executed: a global is a name, a call of one an inert node that
// holds its arguments. What it may make is bounded before memory is taken, since one byte can ask for much.
import { UnreadableWeights } from "./byte-source.js";

export type PickleValue = null | boolean | number | bigint | string | Uint8Array | PickleNode;

export type PickleNode = PickleList | PickleCall | PickleGlobal | PicklePersistent;

/** A list, tuple or set; a dict has its values in `items` and their keys, in the same order, in `keys`. */
export interface PickleList {
  readonly kind: "list" | "tuple" | "set" | "dict";
  readonly items: PickleValue[];
  readonly keys: PickleValue[];
}

/** A global that was called; items that were set on what it returned are kept as a dict's are. */
export interface PickleCall {
  readonly kind: "call";
  /** "collections.OrderedDict" */
  readonly callee: string;
  readonly args: readonly PickleValue[];
  readonly items: PickleValue[];
  readonly keys: PickleValue[];
}

export interface PickleGlobal {
  readonly kind: "global";
  readonly name: string;
}

/** What the pickler keeps elsewhere, by its name there: PyTorch's storages. */
export interface PicklePersistent {
  readonly kind: "persistent";
  readonly id: PickleValue;
}

export function isNode(value: PickleValue | undefined): value is PickleNode {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array);
}

export interface Unpickled {
  readonly value: PickleValue;
  /** Where the pickle ended. */
  readonly end: number;
}

/** A pickle goes on behind the bytes that there are: more of the file is needed, or the file is cut short. */
export class PickleGoesOn extends Error {
  override readonly name = "PickleGoesOn";
}

/**
 * What a pickle may make: ten nodes and thirty values describe a tensor. A node takes up to 450 bytes and a value 8, so that all
 * of them stay below the size of the file, but for a few MiB.
 */
const NODES = { least: 40_000, bytesOfFile: 450 };
const VALUES = { least: 500_000, bytesOfFile: 8 };
const LONGEST_NUMBER = 1024; // bytes
const LONGEST_NAME = 10_000; // bytes of a global's module or name

/** `fileBytes` is the size of the file that it is in. @throws PickleGoesOn, or UnreadableWeights where it is no pickle of protocols 2 to 5. */
export function unpickle(bytes: Uint8Array, fileBytes: number, at = 0): Unpickled {
  const machine = new PickleMachine(bytes, fileBytes, at);
  for (;;) {
    const place = machine.at;
    const opcode = machine.byte();
    if (opcode === STOP) return { value: machine.pop(), end: machine.at };
    const carryOut = OPCODES[opcode];
    if (!carryOut) throw machine.fault(`opcode 0x${opcode.toString(16).padStart(2, "0")} at byte ${place}`);
    carryOut(machine);
  }
}

const STOP = ".".charCodeAt(0);

class PickleMachine {
  private readonly view: DataView;
  private readonly stack: PickleValue[] = [];
  private readonly marks: number[] = [];
  private readonly memory = new Map<number, PickleValue>();
  private values = 0;
  private nodes = 0;
  private readonly mostNodes: number;
  private readonly mostValues: number;

  constructor(
    private readonly bytes: Uint8Array,
    fileBytes: number,
    public at: number,
  ) {
    this.mostNodes = NODES.least + fileBytes / NODES.bytesOfFile;
    this.mostValues = VALUES.least + fileBytes / VALUES.bytesOfFile;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  fault(reason: string): UnreadableWeights {
    return new UnreadableWeights(`is damaged, or not a pickle that netc reads: ${reason}`);
  }

  // -------------------------------------------------------------- what stands in the pickle

  private skip(length: number): number {
    if (this.at + length > this.bytes.length) throw new PickleGoesOn();
    this.at += length;
    return this.at - length;
  }

  byte(): number {
    return this.bytes[this.skip(1)]!;
  }

  uint16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  int32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  uint32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  uint64(): number {
    return Number(this.view.getBigUint64(this.skip(8), true));
  }

  float64(): number {
    return this.view.getFloat64(this.skip(8), false);
  }

  slice(length: number): Uint8Array {
    const start = this.skip(length);
    return this.bytes.subarray(start, start + length);
  }

  text(length: number): string {
    return this.decode(this.slice(length));
  }

  /** Up to the end of the line. */
  line(): string {
    const end = this.bytes.subarray(this.at, this.at + LONGEST_NAME).indexOf("\n".charCodeAt(0));
    if (end < 0 && this.bytes.length - this.at < LONGEST_NAME) throw new PickleGoesOn();
    if (end < 0) throw this.fault("a name that is too long");
    return this.decode(this.slice(end + 1).subarray(0, end));
  }

  /** Two's complement, the lowest byte first. */
  long(length: number): number | bigint {
    if (length > LONGEST_NUMBER) throw this.fault("a number that is too long");
    const bytes = this.slice(length);
    let value = 0n;
    for (let index = length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index]!);
    if (length > 0 && bytes[length - 1]! >= 128) value -= 1n << BigInt(8 * length);
    return BigInt.asIntN(53, value) === value ? Number(value) : value;
  }

  private decode(bytes: Uint8Array): string {
    return UTF8.decode(bytes);
  }

  // -------------------------------------------------------------- the stack

  push(value: PickleValue): void {
    this.count();
    if (isNode(value) && ++this.nodes > this.mostNodes) throw this.fault("it holds more objects than any weights do");
    this.stack.push(value);
  }

  private count(): void {
    if (++this.values > this.mostValues) throw this.fault("it holds more values than any weights do");
  }

  pop(): PickleValue {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw this.fault("an operation without its operands");
    return this.stack.pop()!;
  }

  top(): PickleValue {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw this.fault("an operation without its operands");
    return this.stack.at(-1)!;
  }

  mark(): void {
    this.count();
    this.marks.push(this.stack.length);
  }

  toMark(): PickleValue[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw this.fault("a mark is missing");
    return this.stack.splice(mark);
  }

  // -------------------------------------------------------------- objects

  list(kind: PickleList["kind"], items: PickleValue[] = []): void {
    this.push({ kind, items, keys: [] });
  }

  dict(pairs: readonly PickleValue[]): void {
    this.list("dict");
    this.setItems(pairs);
  }

  tuple(length: number): void {
    const items = Array.from({ length }, () => this.pop());
    this.list("tuple", items.reverse());
  }

  call(callee: PickleValue, args: PickleValue): void {
    const name = isNode(callee) && callee.kind === "global" ? callee.name : "an object";
    const list = isNode(args) && args.kind === "tuple" ? args.items : [args];
    this.push({ kind: "call", callee: name, args: list, items: [], keys: [] });
  }

  global(module: PickleValue, name: PickleValue): void {
    this.push({ kind: "global", name: `${String(module)}.${String(name)}` });
  }

  append(values: readonly PickleValue[]): void {
    const items = this.container().items;
    for (const value of values) items.push(value);
  }

  setItems(pairs: readonly PickleValue[]): void {
    const { keys, items } = this.container();
    if (pairs.length % 2 !== 0) throw this.fault("a key without its value");
    for (let index = 0; index < pairs.length; index += 2) {
      keys.push(pairs[index]!);
      items.push(pairs[index + 1]!);
    }
  }

  private container(): PickleList | PickleCall {
    const value = this.top();
    if (isNode(value) && "items" in value && value.kind !== "tuple") return value;
    throw this.fault("items of what has none");
  }

  keep(index: number): void {
    this.memory.set(index, this.top());
  }

  keepNext(): void {
    this.keep(this.memory.size);
  }

  recall(index: number): void {
    const value = this.memory.get(index);
    if (value === undefined) throw this.fault("it refers to what it does not hold");
    this.count();
    this.stack.push(value);
  }
}

const UTF8 = new TextDecoder("utf-8"); // what is none becomes U+FFFD: names may be anything

type Operation = (machine: PickleMachine) => void;

/** Protocols 2 to 5, as Lib/pickletools.py of Python 3.14 has them, by the byte that they are written as. */
const OPCODES: Readonly<Record<number, Operation>> = {
  0x80: (m) => void m.byte(), // PROTO
  0x95: (m) => void m.uint64(), // FRAME
  0x28: (m) => m.mark(), // MARK
  0x30: (m) => void m.pop(), // POP
  0x31: (m) => void m.toMark(), // POP_MARK
  0x32: (m) => m.push(m.top()), // DUP
  0x4e: (m) => m.push(null), // NONE
  0x88: (m) => m.push(true), // NEWTRUE
  0x89: (m) => m.push(false), // NEWFALSE
  0x4b: (m) => m.push(m.byte()), // BININT1
  0x4d: (m) => m.push(m.uint16()), // BININT2
  0x4a: (m) => m.push(m.int32()), // BININT
  0x8a: (m) => m.push(m.long(m.byte())), // LONG1
  0x8b: (m) => m.push(m.long(m.uint32())), // LONG4
  0x47: (m) => m.push(m.float64()), // BINFLOAT
  0x58: (m) => m.push(m.text(m.uint32())), // BINUNICODE
  0x8c: (m) => m.push(m.text(m.byte())), // SHORT_BINUNICODE
  0x8d: (m) => m.push(m.text(m.uint64())), // BINUNICODE8
  0x54: (m) => m.push(m.text(m.uint32())), // BINSTRING, of Python 2
  0x55: (m) => m.push(m.text(m.byte())), // SHORT_BINSTRING
  0x42: (m) => m.push(m.slice(m.uint32())), // BINBYTES
  0x43: (m) => m.push(m.slice(m.byte())), // SHORT_BINBYTES
  0x8e: (m) => m.push(m.slice(m.uint64())), // BINBYTES8
  0x96: (m) => m.push(m.slice(m.uint64())), // BYTEARRAY8
  0x5d: (m) => m.list("list"), // EMPTY_LIST
  0x6c: (m) => m.list("list", m.toMark()), // LIST
  0x61: (m) => m.append([m.pop()]), // APPEND
  0x65: (m) => m.append(m.toMark()), // APPENDS
  0x29: (m) => m.list("tuple"), // EMPTY_TUPLE
  0x74: (m) => m.list("tuple", m.toMark()), // TUPLE
  0x85: (m) => m.tuple(1), // TUPLE1
  0x86: (m) => m.tuple(2), // TUPLE2
  0x87: (m) => m.tuple(3), // TUPLE3
  0x7d: (m) => m.list("dict"), // EMPTY_DICT
  0x64: (m) => m.dict(m.toMark()), // DICT
  0x73: (m) => m.setItems([m.pop(), m.pop()].reverse()), // SETITEM
  0x75: (m) => m.setItems(m.toMark()), // SETITEMS
  0x8f: (m) => m.list("set"), // EMPTY_SET
  0x90: (m) => m.append(m.toMark()), // ADDITEMS
  0x91: (m) => m.list("set", m.toMark()), // FROZENSET
  0x71: (m) => m.keep(m.byte()), // BINPUT
  0x72: (m) => m.keep(m.uint32()), // LONG_BINPUT
  0x94: (m) => m.keepNext(), // MEMOIZE
  0x68: (m) => m.recall(m.byte()), // BINGET
  0x6a: (m) => m.recall(m.uint32()), // LONG_BINGET
  0x63: (m) => m.global(m.line(), m.line()), // GLOBAL
  0x93: (m) => {
    const name = m.pop();
    m.global(m.pop(), name); // STACK_GLOBAL
  },
  0x52: callOf, // REDUCE
  0x81: callOf, // NEWOBJ
  0x92: (m) => {
    m.pop(); // keywords
    callOf(m); // NEWOBJ_EX
  },
  0x62: (m) => void m.pop(), // BUILD: the state of an object that stays a name
  0x51: (m) => m.push({ kind: "persistent", id: m.pop() }), // BINPERSID
};

function callOf(machine: PickleMachine): void {
  const args = machine.pop();
  machine.call(machine.pop(), args);
}
