// The generated image [height, width, channels] that the scripts under test/oracle/pillow draw too: bytes of a 32-bit linear
// congruential generator (Numerical Recipes), highest first.

export function noise(height: number, width: number, channels: number): Uint8Array {
  let state = height * 65537 + width * 257 + channels;
  return Uint8Array.from({ length: height * width * channels }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}
