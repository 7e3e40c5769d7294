// Holds the shape of the code base: which way imports go, where heavy libraries come in, and how many files lie in a folder.
// Imports are read off the text: that needs no compiler and sees type imports apart from values.
import { readFileSync, readdirSync } from "node:fs";
import { builtinModules } from "node:module";
import { join, posix, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/** As many names as are taken in at a glance; what has grown beyond is rooms that have not been told apart yet. */
const MOST_FILES_OF_A_FOLDER = 16;

/** Where a library may be imported as a value; anywhere else only its types. */
const HOME_OF_LIBRARY: Readonly<Record<string, readonly string[]>> = {
  "@bomb.sh/tab/commander": ["src/cli/complete/"],
  "@dagrejs/dagre": ["src/compiler/targets/picture/"],
  "@tensorflow/tfjs-backend-cpu": ["src/runtime/engines/tfjs/"],
  "@tensorflow/tfjs-core": ["src/runtime/engines/tfjs/"],
  "@tensorflow/tfjs-layers": ["src/runtime/engines/tfjs/"],
  "cli-progress": ["src/cli/"],
  commander: ["src/cli/"],
  "d3-scale": ["src/cli/report/"],
  "d3-shape": ["src/cli/report/"],
  handlebars: ["src/runtime/"],
  "fast-png": ["src/runtime/data/"],
  koffi: ["src/runtime/engines/native/"],
  "log-update": ["src/cli/"],
  picocolors: ["src/cli/", "src/compiler/diagnostics/render/"],
  sharp: ["src/runtime/data/images/"],
  "simple-ascii-chart": ["src/cli/"],
  tar: ["src/runtime/data/"],
  yaml: ["src/compiler/"],
};

/** So heavy that one file imports them, and only when they are needed. */
const HEAVY = [
  "@tensorflow/tfjs-backend-cpu",
  "@tensorflow/tfjs-core",
  "@tensorflow/tfjs-layers",
  "fast-png",
  "handlebars",
  "koffi",
  "sharp",
];
const LOADED_LATE = [...HEAVY, "tar"];

const root = fileURLToPath(new URL("..", import.meta.url));
const files = sourceFiles("src");
const imports = files.flatMap((file) => importsIn(file, textOf(file)));
const values = imports.filter(({ isType }) => !isType);

describe("imports go one way: cli → runtime → compiler", () => {
  it("nothing in the compiler imports the runtime or the command line", () => {
    expect(importsFrom("src/compiler/", ["src/runtime/", "src/cli/"])).toEqual([]);
  });

  it("nothing imports the command line but itself, the public API neither", () => {
    const strays = imports.filter(({ file, target }) => target.startsWith("src/cli/") && !file.startsWith("src/cli/"));
    expect(strays.map(describeImport)).toEqual([]);
  });

  it("no two files import each other, not even types, nor by way of others", () => {
    expect(circlesOf(imports)).toEqual([]);
  });

  it("nothing in src imports what is outside it", () => {
    const outside = imports.filter(
      ({ target }) => target.startsWith("..") || /^(test|bench|scripts|dist)\//.test(target),
    );
    expect(outside.map(describeImport)).toEqual([]);
  });

  it("the compiler uses nothing of Node: what it is given is text, and what it gives is data", () => {
    const isBuiltin = ({ target }: Import) => builtinModules.includes(target.replace(/^node:/, ""));
    const found = values.filter((entry) => entry.file.startsWith("src/compiler/") && isBuiltin(entry));
    expect(found.map(describeImport)).toEqual([]);
  });
});

describe("libraries come in where they belong", () => {
  it("each is imported as a value in its home alone", () => {
    const strays = values.filter(({ file, target }) => {
      const home = HOME_OF_LIBRARY[target];
      return isLibrary(target) && !home?.some((folder) => file.startsWith(folder));
    });
    expect(strays.map(describeImport)).toEqual([]);
  });

  it.each(HEAVY)("%s is imported in one file", (library) => {
    expect([...new Set(values.filter(({ target }) => target === library).map(({ file }) => file))]).toHaveLength(1);
  });

  it.each(LOADED_LATE)("%s is loaded when it is needed and not before", (library) => {
    expect(values.filter(({ target, isLazy }) => target === library && !isLazy).map(describeImport)).toEqual([]);
  });

  it("every dependency of package.json is used, and every library used is a dependency", () => {
    const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
      optionalDependencies: Record<string, string>;
    };
    const used = new Set(
      values
        .map(({ target }) => target)
        .filter(isLibrary)
        .map(packageOf),
    );
    expect([...used].toSorted()).toEqual(Object.keys({ ...dependencies, ...optionalDependencies }).toSorted());
  });
});

describe("every file can be read by itself", () => {
  it("starts with a comment that says what it is for", () => {
    const silent = files.filter((file) => !/^(#!.*\n)?(\/\/ |\/\*\*)/.test(textOf(file)));
    expect(silent).toEqual([]);
  });

  it(`has no more than ${MOST_FILES_OF_A_FOLDER - 1} others beside it in its folder`, () => {
    const folders = files.map((file) => posix.dirname(file));
    const full = [...new Set(folders)].filter(
      (one) => folders.filter((f) => f === one).length > MOST_FILES_OF_A_FOLDER,
    );
    expect(full).toEqual([]);
  });
});

it("reads imports in every form off a file's text", () => {
  const text = `import a, { type B } from "./a.js";
import type { C } from "c";
export {
  d,
} from "../d.js";
import "node:fs";
const e = await import("e");
let f: typeof import("f"), g: import("./g.js").G;
export const h = "text from "; // from "nowhere"
`;
  const found = importsIn("src/x/file.ts", text).map(({ target, isType, isLazy }) => [target, isType, isLazy]);
  expect(found).toEqual([
    ["src/x/a.js", false, false],
    ["c", true, false],
    ["src/d.js", false, false],
    ["node:fs", false, false],
    ["e", false, true],
    ["f", true, true],
    ["src/x/g.js", true, true],
  ]);
});

it("finds the circles in which files import one another, each once", () => {
  const between = (file: string, target: string) => ({ file, target, isType: true, isLazy: false });
  const edges = [
    ["a.ts", "b.js"],
    ["b.ts", "c.js"],
    ["c.ts", "b.js"],
    ["c.ts", "d.js"],
    ["d.ts", "e"],
    ["e.ts", "d"],
  ];
  expect(circlesOf(edges.map(([file, target]) => between(file!, target!)))).toEqual(["b.ts, c.ts", "d.ts, e.ts"]);
});

interface Import {
  readonly file: string;
  /** A path from the root of the repository, or the name of a library or of a module of Node's. */
  readonly target: string;
  readonly isType: boolean;
  /** By `import()`, when it is needed. */
  readonly isLazy: boolean;
}

function importsFrom(folder: string, targets: readonly string[]): string[] {
  const wrong = imports.filter(
    ({ file, target }) => file.startsWith(folder) && targets.some((start) => target.startsWith(start)),
  );
  return wrong.map(describeImport);
}

function describeImport({ file, target }: Import): string {
  return `${file} imports ${target}`;
}

function importsIn(file: string, text: string): Import[] {
  const targetOf = (specifier: string): string =>
    specifier.startsWith(".") ? posix.normalize(posix.join(posix.dirname(file), specifier)) : specifier;
  const found: Import[] = [];
  // `import … from "x"` and `export … from "x"` begin their line, and their names may go over several
  for (const [, words = "", specifier = ""] of text.matchAll(/^(?:import|export)\s+([^"';()=]*?)\s*from "([^"]+)"/gm)) {
    found.push({ file, target: targetOf(specifier), isType: words.startsWith("type "), isLazy: false });
  }
  for (const [, specifier = ""] of text.matchAll(/^import "([^"]+)"/gm)) {
    found.push({ file, target: targetOf(specifier), isType: false, isLazy: false });
  }
  // `typeof import("x")` and `import("x").Name` are types
  for (const [, type, specifier = "", member] of text.matchAll(/(typeof )?\bimport\("([^"]+)"\)(\.[A-Z])?/g)) {
    found.push({ file, target: targetOf(specifier), isType: Boolean(type ?? member), isLazy: true });
  }
  return found;
}

/** The files of each, in which every one reaches every other: the strongly connected components of more than one. */
function circlesOf(all: readonly Import[]): string[] {
  const files = [...new Set(all.map(({ file }) => file))].toSorted();
  const targets = new Map(files.map((file) => [file, new Set<string>()]));
  // Kernels' sources are imported without an ending
  for (const { file, target } of all) targets.get(file)!.add(`${target.replace(/\.js$/, "")}.ts`);
  const reached = new Map(files.map((file) => [file, reachedFrom(file, targets)]));
  const circles = files.map((file) =>
    files.filter((other) => reached.get(file)!.has(other) && reached.get(other)!.has(file)),
  );
  return [...new Set(circles.filter(({ length }) => length > 1).map((circle) => circle.join(", ")))];
}

function reachedFrom(file: string, targets: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  const reached = new Set<string>(targets.get(file));
  for (const other of reached) for (const target of targets.get(other) ?? []) reached.add(target);
  return reached;
}

function isLibrary(target: string): boolean {
  return !target.startsWith("src/") && !builtinModules.includes(target.replace(/^node:/, ""));
}

/** "library/part.js" is of "library", "@a/b/c" of "@a/b". */
function packageOf(target: string): string {
  return target
    .split("/")
    .slice(0, target.startsWith("@") ? 2 : 1)
    .join("/");
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name.split(sep).join("/")}`)
    .filter((file) => file.endsWith(".ts") && !file.includes("/generated/"))
    .toSorted();
}

function textOf(file: string): string {
  return readFileSync(join(root, file), "utf8");
}
