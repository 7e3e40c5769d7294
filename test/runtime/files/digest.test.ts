import { expect, it } from "vitest";
import { sha256Of, sha256OfPieces, slices } from "../../../src/runtime/files/digest.js";

it("makes of pieces the digest of the whole, however they are cut", async () => {
  const whole = Uint8Array.from({ length: 2_500_000 }, (_, index) => index % 251);
  const pieces = [whole.subarray(0, 10), whole.subarray(10, 10), whole.subarray(10)];
  expect(await sha256OfPieces(pieces)).toBe(sha256Of(whole));
  expect(slices(whole).map(({ length }) => length)).toEqual([1 << 20, 1 << 20, 2_500_000 - (1 << 21)]);
});
