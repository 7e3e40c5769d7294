// Named tensors, float32 but for counts that are only written, ↔ one safetensors file (github.com/huggingface/safetensors): eight bytes of header length, a JSON
// header, the data. Tensors are sorted by name, so equal states give equal bytes.
import { UserError } from "../process/user-error.js";
import { isCount, isRecord, parseJson } from "./parse-json.js";

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What the header says of one tensor. */
export interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [start: number, end: number];
}

export const LENGTH_BYTES = 8;
const ALIGNMENT = 8; // the header is padded with spaces so that the data start at a multiple of this
const LARGEST_HEADER = 100_000_000; // the format's own limit

/** Counts, which other libraries keep beside the weights. */
export interface CountTensor {
  readonly shape: readonly number[];
  readonly data: BigInt64Array;
}

/** The file in two or more pieces, to be written one after the other; tensor data are not copied. `metadata` stands in its header. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor | CountTensor>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array[] {
  const sorted = [...tensors].sort(([one], [other]) => (one < other ? -1 : 1));
  const header: Record<string, HeaderEntry> = {};
  let offset = 0;
  for (const [name, { shape, data }] of sorted) {
    const dtype = data instanceof Float32Array ? "F32" : "I64";
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(metadata ? { __metadata__: metadata, ...header } : header));
  const padded = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const start = new Uint8Array(LENGTH_BYTES + padded).fill(" ".charCodeAt(0));
  new DataView(start.buffer).setBigUint64(0, BigInt(padded), true);
  start.set(text, LENGTH_BYTES);
  return [start, ...sorted.map(([, { data }]) => bytesOf(data))];
}

/**
 * Throws a UserError naming `file` where the bytes are not a whole safetensors file of float32 tensors: as the format asks,
 * the tensors fill the file without gaps and none shares a byte with another.
 */
export function decodeSafetensors(bytes: Uint8Array, file: string): Map<string, Tensor> {
  const length = headerLength(bytes, bytes.length);
  const header = length === undefined ? undefined : parseHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
  if (length === undefined || !header) throw new UserError(`${file} is not a safetensors file, or only a part of one`);
  const dataStart = LENGTH_BYTES + length;
  const tensors = new Map<string, Tensor>();
  for (const [name, { dtype, shape, data_offsets: offsets }] of header.entries) {
    if (dtype !== "F32") throw new UserError(`${file}: tensor ${quoted(name)} is ${quoted(dtype)}, expected F32`);
    const [start, end] = offsets;
    const expected = shape.reduce((product, size) => product * size, 1) * Float32Array.BYTES_PER_ELEMENT;
    if (end - start !== expected || dataStart + end > bytes.length) {
      throw new UserError(
        `${file}: tensor ${quoted(name)} lies outside the file or does not have the size of its shape`,
      );
    }
    // Copied, since the data of a foreign file need not be aligned to four bytes
    const data = new Float32Array(expected / Float32Array.BYTES_PER_ELEMENT);
    bytesOf(data).set(bytes.subarray(dataStart + start, dataStart + end));
    tensors.set(name, { shape, data });
  }
  const fault = faultOfOffsets(header.entries, bytes.length - dataStart);
  if (fault !== undefined) throw new UserError(`${file} ${fault}`);
  return tensors;
}

/** What the header of a file says; the data begin `LENGTH_BYTES` and its length behind the file's beginning. */
export interface Header {
  /** In their order. */
  readonly entries: readonly (readonly [name: string, entry: HeaderEntry])[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Of the header in bytes, by the eight that the file begins with; undefined where it has no such header. */
export function headerLength(beginning: Uint8Array, fileBytes: number): number | undefined {
  if (beginning.length < LENGTH_BYTES) return undefined;
  const length = Number(new DataView(beginning.buffer, beginning.byteOffset).getBigUint64(0, true));
  return length > LARGEST_HEADER || LENGTH_BYTES + length > fileBytes ? undefined : length;
}

/** Undefined where the text is not one. */
export function parseHeader(text: Uint8Array): Header | undefined {
  if (nestsDeeper(text, DEEPEST)) return undefined;
  let header: unknown;
  try {
    header = parseJson(text);
  } catch {
    return undefined;
  }
  if (!isRecord(header)) return undefined;
  const { __metadata__: metadata = {}, ...tensors } = header;
  const entries = Object.entries(tensors);
  if (!entries.every((entry): entry is [string, HeaderEntry] => isHeaderEntry(entry[1]))) return undefined;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) return undefined;
  return { entries, metadata: metadata as Header["metadata"] };
}

/** Why tensors do not fill the data without gaps, none sharing a byte with another, as what follows the file's name. */
export function faultOfOffsets(entries: Header["entries"], dataBytes: number): string | undefined {
  let filled = 0;
  const inOrder = entries.map(([, entry]) => entry.data_offsets).sort(([a, b], [c, d]) => a - c || b - d);
  for (const [start, end] of inOrder) {
    if (start !== filled) return `has tensors that overlap, or a gap at byte ${filled} of their data`;
    filled = end;
  }
  if (filled > dataBytes) return "is only a part of a file: its tensors go on beyond its end";
  return filled < dataBytes ? "goes on after its last tensor" : undefined;
}

const DEEPEST = 3; // an object of objects that hold lists

/** Whether lists and objects are nested deeper, before a parser takes memory for each. */
function nestsDeeper(text: Uint8Array, most: number): boolean {
  let [depth, isInString] = [0, false];
  for (let at = 0; at < text.length; at++) {
    const byte = text[at]!;
    if (isInString && byte === CHARACTER.backslash) at++;
    else if (byte === CHARACTER.quote) isInString = !isInString;
    else if (isInString) continue;
    else if (byte === CHARACTER.brace || byte === CHARACTER.bracket) {
      if (++depth > most) return true;
    } else if (byte === CHARACTER.braceEnd || byte === CHARACTER.bracketEnd) depth--;
  }
  return false;
}

const CHARACTER = { quote: 0x22, backslash: 0x5c, brace: 0x7b, braceEnd: 0x7d, bracket: 0x5b, bracketEnd: 0x5d };

function isHeaderEntry(value: unknown): value is HeaderEntry {
  if (!isRecord(value)) return false;
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Array.isArray(shape) || !shape.every(isCount)) return false;
  return Array.isArray(offsets) && offsets.length === 2 && offsets.every(isCount) && offsets[0]! <= offsets[1]!;
}

/** A name as it is, or where it is no plain one as JSON writes it: it may hold anything. */
function quoted(name: string): string {
  return /^[\w.]{1,100}$/.test(name) ? name : JSON.stringify(name.slice(0, 100));
}

function bytesOf(data: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
