import { describe, expect, it } from "vitest";
import { parse } from "../../../src/compiler/front/parse.js";
import { entryOf, locate, nodeAt } from "../../../src/compiler/front/yaml/yaml-file.js";

describe("parse", () => {
  it("reads YAML 1.2 scalars: numbers are numbers, and only true and false are booleans", () => {
    const file = parsed("a: 1e-3\nb: 0x10\nc: 0o17\nd: 1_000\ne: yes\nf: ~\ng: 010\nh: .5\ni: True\n");
    const values = "abcdefghi".split("").map((key) => scalar(file, key));
    expect(values).toEqual([0.001, 16, 15, "1_000", "yes", null, 10, 0.5, true]);
  });

  it("knows the place of every key and value", () => {
    const text = "a:\n  - b: 12\n    c: [1, 22]\n";
    const file = parsed(text);
    const at = (path: (string | number)[], part: "key" | "value") => {
      const { start, end } = locate(file, path, part);
      return text.slice(start, end);
    };
    expect(at(["a", 0, "b"], "key")).toBe("b");
    expect(at(["a", 0, "b"], "value")).toBe("12");
    expect(at(["a", 0, "c", 1], "value")).toBe("22");
    expect(at(["a", 0, "c", 1], "key")).toBe("22");
    expect(at(["a"], "value"), "a block is shown by its key").toBe("a");
    expect(at(["a", 0, "b", "deeper", "still"], "value"), "falls back to what is there").toBe("12");
  });

  it("follows aliases and merges maps, own keys first", () => {
    const file = parsed("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [{x: 5}, *a]}\nd: *a\n");
    expect(nodeAt(file.root, ["b", "x"])).toMatchObject({ value: 1 });
    expect(nodeAt(file.root, ["b", "y"])).toMatchObject({ value: 3 });
    expect(nodeAt(file.root, ["c", "x"])).toMatchObject({ value: 5 });
    expect(nodeAt(file.root, ["d", "y"])).toMatchObject({ value: 2 });
  });

  it("takes a byte order mark and Windows line ends as they come, without moving a place", () => {
    const plain = parsed("a: 1\r\nb: 2\r\n");
    const marked = parsed("\uFEFFa: 1\r\nb: 2\r\n");
    expect(entryOf(marked.root, "b")).toEqual(entryOf(plain.root, "b"));
    expect(scalar(marked, "b")).toBe(2);
  });

  it.each([
    ["ten thousand open brackets", "a: " + "[".repeat(10_000)],
    ["ten thousand brackets", "a: " + "[".repeat(10_000) + "]".repeat(10_000)],
    ["ten thousand lists in a row", "- ".repeat(10_000) + "x"],
    ["a quarter of a million open braces", "{".repeat(250_000)],
    ["maps in maps", Array.from({ length: 600 }, (_, depth) => " ".repeat(depth) + "a:").join("\n")],
  ])("refuses %s in bounded time", (_name, text) => {
    const start = process.cpuUsage();
    expect(parse(text, "deep.yaml").diagnostics[0]?.code).toBe("yaml/too-deep");
    expect(process.cpuUsage(start).user).toBeLessThan(3e6); // microseconds of work, about a tenth of that; no matter how busy
  });

  it("refuses a file of ten megabytes at once", () => {
    expect(parse("a: 1 # " + "x".repeat(10_000_000), "large.yaml").diagnostics[0]?.code).toBe("yaml/too-large");
  });

  it("refuses aliases that multiply, through lists, maps and merges", () => {
    const list =
      "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + chain((before) => `[${Array(9).fill(`*${before}`).join(", ")}]`);
    const map =
      "a0: &a0 {k: 1}\n" + chain((before) => `{${[..."abcdefghi"].map((key) => `${key}: *${before}`).join(", ")}}`);
    for (const text of [list, map]) {
      const start = process.cpuUsage();
      expect(parse(text, "bomb.yaml").diagnostics.at(-1)?.code).toBe("yaml/alias-expansion");
      expect(process.cpuUsage(start).user).toBeLessThan(3e6);
    }
  });

  it.each(["!eval", "!!binary", "!<tag:x.org,2000:y>", "!a!b"])("refuses the tag %s at its place", (tag) => {
    const text = `a: [1, ${tag} x]\nb: !!str 3\n`;
    const { diagnostics } = parse(tag === "!a!b" ? `%TAG !a! tag:a.org,2000:\n---\n${text}` : text, "x.yaml");
    expect(diagnostics.map(({ message }) => message)).toEqual([`the tag \`${tag}\` has no meaning in netc files`]);
  });

  it("says that an alias stands inside its own value", () => {
    expect(parse("a: &a [1, *a]\n", "x.yaml").diagnostics[0]?.message).toBe(
      "`*a` stands inside the value that it names",
    );
  });

  it("reports unrelated syntax errors together, and consequences of one not at all", () => {
    const codes = (text: string) => parse(text, "x.yaml").diagnostics.map(({ code, span }) => `${code} ${span!.start}`);
    expect(codes("a: @b\nx: 1\ny: 2\nc: `d`\n")).toEqual(["yaml/syntax 3", "yaml/syntax 19"]);
    expect(codes("a:\n b:\n\t- c\nd: 1\n")).toEqual(["yaml/tab 7"]);
  });
});

function chain(value: (before: string) => string): string {
  return Array.from({ length: 9 }, (_, index) => `a${index + 1}: &a${index + 1} ${value(`a${index}`)}\n`).join("");
}

function parsed(text: string) {
  const { value, diagnostics } = parse(text, "test.yaml");
  expect(diagnostics).toEqual([]);
  return value!;
}

function scalar(file: ReturnType<typeof parsed>, key: string) {
  const node = nodeAt(file.root, [key]);
  return node?.kind === "scalar" ? node.value : node;
}
