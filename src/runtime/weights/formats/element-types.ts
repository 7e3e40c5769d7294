// The types that weights are stored in, by the names of safetensors, and their bytes → float32.

export interface ElementType {
  readonly bytes: number;
  /** One element as a number; absent where netc does not read the type. */
  readonly read?: (view: DataView, at: number, isLittleEndian: boolean) => number;
}

export type ElementTypeName = keyof typeof TYPES;

const TYPES = {
  F32: { bytes: 4, read: (view, at, isLittle) => view.getFloat32(at, isLittle) },
  F64: { bytes: 8, read: (view, at, isLittle) => view.getFloat64(at, isLittle) },
  F16: { bytes: 2, read: (view, at, isLittle) => float16(view.getUint16(at, isLittle)) },
  BF16: { bytes: 2, read: (view, at, isLittle) => bfloat16(view.getUint16(at, isLittle)) },
  I64: { bytes: 8, read: (view, at, isLittle) => Number(view.getBigInt64(at, isLittle)) },
  U64: { bytes: 8, read: (view, at, isLittle) => Number(view.getBigUint64(at, isLittle)) },
  I32: { bytes: 4, read: (view, at, isLittle) => view.getInt32(at, isLittle) },
  U32: { bytes: 4, read: (view, at, isLittle) => view.getUint32(at, isLittle) },
  I16: { bytes: 2, read: (view, at, isLittle) => view.getInt16(at, isLittle) },
  U16: { bytes: 2, read: (view, at, isLittle) => view.getUint16(at, isLittle) },
  I8: { bytes: 1, read: (view, at) => view.getInt8(at) },
  U8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  BOOL: { bytes: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
  F8_E4M3: { bytes: 1 },
  F8_E5M2: { bytes: 1 },
  C64: { bytes: 8 },
  C128: { bytes: 16 },
} satisfies Readonly<Record<string, ElementType>>;

/** Undefined for a name that is none. */
export function elementType(name: string): ElementType | undefined {
  return Object.hasOwn(TYPES, name) ? TYPES[name as ElementTypeName] : undefined;
}

/** Whether every element in float32 is what it was. */
export function isExactInFloat32(name: string): boolean {
  return !["F64", "I64", "U64", "I32", "U32"].includes(name);
}

export interface Placing {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** In elements, one for each dimension. */
  readonly strides: readonly number[];
  readonly isLittleEndian: boolean;
}

/** The elements in the order of their indices, the last index first to move; `bytes` begins with the first of them. */
export function readElements(bytes: Uint8Array, { type, shape, strides, isLittleEndian }: Placing): Float32Array {
  const count = shape.reduce((product, size) => product * size, 1);
  const result = new Float32Array(count);
  if (count === 0 || !type.read) return result;
  const isPlain = type === TYPES.F32 && isLittleEndian && isContiguous(shape, strides);
  if (isPlain) {
    new Uint8Array(result.buffer).set(bytes.subarray(0, count * type.bytes));
    return result;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const index = shape.map(() => 0);
  let element = 0;
  for (let written = 0; written < count; written++) {
    result[written] = type.read(view, element * type.bytes, isLittleEndian);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      element += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      element -= index[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/** Of a tensor whose elements follow one another. */
export function contiguousStrides(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  const expected = contiguousStrides(shape);
  return shape.every((size, axis) => size === 1 || strides[axis] === expected[axis]);
}

const scratch = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
function bfloat16(bits: number): number {
  scratch.setUint32(0, bits * 0x1_0000);
  return scratch.getFloat32(0);
}

/** IEEE 754 binary16: one bit of sign, five of exponent, ten of fraction. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
