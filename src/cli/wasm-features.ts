// Which parts of WebAssembly this Node has, each asked by validating the smallest module that uses it.

// Neither Node's types nor the ES library declare it
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  readonly Memory: new (limits: { initial: number; maximum: number; shared: boolean }) => {
    buffer: ArrayBufferLike;
  };
};

export interface WasmFeature {
  readonly name: string;
  readonly isSupported: boolean;
  /** What it means where it is not supported. */
  readonly without: string;
}

export function wasmFeatures(): WasmFeature[] {
  return [
    {
      name: "SIMD",
      isSupported: validates(SIMD_BODY, VECTOR),
      without: "the wasm engine needs it",
    },
    {
      name: "relaxed SIMD",
      isSupported: validates(RELAXED_BODY, VECTOR),
      without: "the wasm engine runs without fused multiply-adds, 10 to 20 % slower",
    },
    {
      name: "threads",
      isSupported: hasSharedMemory(),
      without: "the wasm engine needs shared memory",
    },
  ];
}

const VECTOR = 0x7b;
/** i32.const 0, i8x16.splat */
const SIMD_BODY = [0x41, 0x00, 0xfd, 0x0f];
/** three times v128.const 0 by way of i8x16.splat, then f32x4.relaxed_madd */
const RELAXED_BODY = [...SIMD_BODY, ...SIMD_BODY, ...SIMD_BODY, 0xfd, 0x85, 0x02];

/** Whether a module with one function of these instructions and this result type is valid. */
function validates(instructions: readonly number[], resultType: number): boolean {
  const body = [0x00, ...instructions, 0x0b]; // no locals, …, end
  const module = [
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic, version 1
    ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, resultType], // types: () → resultType
    ...[0x03, 0x02, 0x01, 0x00], // functions: one of type 0
    ...[0x0a, body.length + 2, 0x01, body.length, ...body], // code
  ];
  return WebAssembly.validate(new Uint8Array(module));
}

function hasSharedMemory(): boolean {
  try {
    return (
      new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer instanceof
      SharedArrayBuffer
    );
  } catch {
    return false;
  }
}
