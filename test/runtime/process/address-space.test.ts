import { expect, it } from "vitest";
import { addressSpaceLeft } from "../../../src/runtime/process/address-space.js";

const limits = (limit: string) =>
  `Limit  Soft Limit  Hard Limit  Units\nMax address space         ${limit}  ${limit}  bytes\n`;
const status = "Name:\tnode\nVmPeak:\t  900000 kB\nVmSize:\t  750000 kB\n";

it("is what a limit leaves, and not known without one", () => {
  expect(addressSpaceLeft(limits("4096000000"), status)).toBe(4_096_000_000 - 768_000_000);
  expect(addressSpaceLeft(limits("unlimited"), status)).toBeUndefined();
  expect(addressSpaceLeft("", "")).toBeUndefined();
});
