import { describe, expect, it } from "vitest";
import { editDistance, nearest, snakeCase } from "../../src/compiler/diagnostics/suggest.js";

describe("nearest", () => {
  it("finds slips of the finger", () => {
    const keys = ["channels", "blocks", "stride", "projection", "batch_size"];
    expect(nearest("chanels", keys)).toBe("channels");
    expect(nearest("strdie", keys)).toBe("stride");
    expect(nearest("batchSize", keys)).toBe("batch_size");
    expect(nearest("batch-size", keys)).toBe("batch_size");
  });

  it("suggests nothing where nothing is near", () => {
    expect(nearest("patience", ["epochs", "batch_size"])).toBeUndefined();
    expect(nearest("x", ["p"])).toBeUndefined();
    expect(nearest("anything", [])).toBeUndefined();
  });
});

it("counts insertions, deletions, substitutions and swaps as one edit each", () => {
  expect([
    editDistance("ab", "abc"),
    editDistance("abc", "ab"),
    editDistance("abc", "axc"),
    editDistance("abc", "acb"),
  ]).toEqual([1, 1, 1, 1]);
  expect(editDistance("kitten", "sitting")).toBe(3);
});

it("brings any spelling to snake_case", () => {
  expect(["weightDecay", "weight-decay", "Weight Decay", "weight_decay"].map(snakeCase)).toEqual(
    Array(4).fill("weight_decay"),
  );
});
