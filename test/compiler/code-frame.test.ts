import { describe, expect, it } from "vitest";
import { codeFrame, positionAt } from "../../src/compiler/diagnostics/code-frame.js";

describe("codeFrame", () => {
  const frame = (text: string, marked: string) => {
    const start = text.indexOf(marked);
    return codeFrame({ name: "x.yaml", text }, { start, end: start + marked.length });
  };

  it("marks the very characters", () => {
    expect(frame("a: 1\n    channels: 32\n", "32")).toBe("  2 |     channels: 32\n    |               ^^");
  });

  it("leaves out the line end of Windows", () => {
    expect(frame("a: 1\r\nb: 2\r\n", "a")).toBe("  1 | a: 1\n    | ^");
  });

  it("keeps carets in place behind tabs, wide characters, emoji and combining marks", () => {
    expect(frame("\tx", "x")).toBe("  1 |  x\n    |  ^");
    expect(frame("網: x", "x")).toBe("  1 | 網: x\n    |     ^");
    expect(frame("🙂: x", "x")).toBe("  1 | 🙂: x\n    |     ^");
    expect(frame("e\u0301: x", "x")).toBe("  1 | e\u0301: x\n    |    ^");
  });

  it("lets no escape sequence through to the terminal", () => {
    expect(frame("a: \u001b[31mred", "red")).not.toContain("\u001b");
  });

  it("cuts long lines around the place", () => {
    const [line, carets] = frame(`${"x".repeat(500)}HERE${"y".repeat(500)}`, "HERE").split("\n");
    expect(line).toMatch(/\| …x{40}HEREy+…$/);
    expect(carets!.indexOf("^")).toBe(line!.indexOf("HERE"));
  });

  it("shows a span of several lines on its first", () => {
    expect(frame("a:\n  - b\n  - c\n", "a:\n  - b")).toBe("  1 | a:\n    | ^^");
  });
});

it("counts lines and columns from 1", () => {
  expect(positionAt("ab\ncd", 0)).toEqual({ line: 1, column: 1 });
  expect(positionAt("ab\ncd", 2)).toEqual({ line: 1, column: 3 });
  expect(positionAt("ab\ncd", 3)).toEqual({ line: 2, column: 1 });
  expect(positionAt("ab\ncd", 5)).toEqual({ line: 2, column: 3 });
});
