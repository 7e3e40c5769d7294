// Keeps the documents true: README.md's files and commands are run and give what it shows, links lead somewhere, and the
// files that the documents name exist.
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { netc } from "./support/netc.js";
import { temporaryFolder } from "./support/temporary-folder.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "src/README.md",
  "test/README.md",
  "docs/data.md",
  "docs/export.md",
  "docs/training.md",
];
const textOf = (document: string): string => readFileSync(join(root, document), "utf8");

describe("README.md", () => {
  it("shows what its commands print, on the files that it shows", async () => {
    const folder = await temporaryFolder();
    for (const { language, text } of codeBlocks(textOf("README.md"))) {
      const [first = "", ...rest] = text.split("\n");
      const fileName = /^# (\S+\.yaml)$/.exec(first)?.[1];
      if (language === "yaml" && fileName) await writeFile(join(folder, fileName), text);
      // A run's times differ from run to run
      const command = /^\$ npx netc ((?!run ).+)$/.exec(first)?.[1];
      if (language !== "console" || !command) continue;
      const { output, errors } = await netc(command.replaceAll("'", "").split(" "), { folder });
      expect(onAnyMachine(output + errors), command).toBe(onAnyMachine(rest.join("\n")));
    }
    const { exitCode, output } = await netc(["check", "shapes.yaml", "glance.yaml"], { folder });
    expect(exitCode, output).toBe(0);
  });

  it("shows code that trains its network", async () => {
    const folder = await temporaryFolder();
    const blocks = codeBlocks(textOf("README.md"));
    const network = blocks.findLast(({ text }) => text.startsWith("# shapes.yaml"))!.text;
    const [code = ""] = blocks.filter(({ language }) => language === "ts").map(({ text }) => text);
    await writeFile(
      join(folder, "shapes.yaml"),
      network.replace("stride: 2", "stride: 2, projection: true").replace("epochs: 5", "epochs: 1"),
    );
    const netc = JSON.stringify(new URL("../dist/index.js", import.meta.url).href);
    await writeFile(
      join(folder, "code.mjs"),
      `${code.replace('"netc"', netc)}console.log(loss < 1.5, logits.length);\n`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, ["code.mjs"], { cwd: folder });
    const [accuracy, rest] = stdout.split("\n");
    expect(Number(accuracy)).toBeGreaterThan(0.9); // six plain shapes
    expect(rest).toBe("true 768"); // 128 test images, 6 classes
  });

  it("lists every command", async () => {
    const { output } = await netc(["--help"]);
    const commands = [...output.matchAll(/^ {2}([a-z]+)\b/gm)]
      .map(([, name]) => name)
      .filter((name) => name !== "help");
    const listed = [...textOf("README.md").matchAll(/^\| `netc ([a-z]+)/gm)].map(([, name]) => name);
    expect(listed.toSorted()).toEqual(commands.toSorted());
  });
});

/** Each thread takes memory, and a machine has the threads that it has. */
function onAnyMachine(output: string): string {
  return output.replaceAll(/[\d.]+ [KMG]iB/g, "MEMORY").replaceAll(/\d+ threads?/g, "THREADS");
}

describe("docs/training.md", () => {
  it("shows pieces that check finds no fault in, laid over a network", async () => {
    const folder = await temporaryFolder();
    const network = {
      name: "network",
      data: { dataset: "cifar10" },
      model: { stem: { channels: 16 }, stages: [{ channels: 16, blocks: 1 }] },
      train: { epochs: 164, batch_size: 128, learning_rate: 0.1 },
    };
    await writeFile(join(folder, "network.yaml"), JSON.stringify(network)); // JSON is YAML
    const pieces = codeBlocks(textOf("docs/training.md")).filter(({ language }) => language === "yaml");
    const names = pieces.map((_, index) => `piece-${index}.yaml`);
    for (const [index, { text }] of pieces.entries()) {
      await writeFile(join(folder, names[index]!), `extends: network.yaml\n${text}`);
    }
    const { output } = await netc(["check", ...names], { folder });
    expect(output).toBe(names.map((name) => `${name}: no faults\n`).join(""));
    expect(pieces.length).toBeGreaterThan(5);
  });
});

describe.each(documents)("%s", (document) => {
  it("links to what is there", () => {
    const targets = [...textOf(document).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, target]) => target!);
    expect(targets.filter((target) => !existsSync(join(root, dirname(document), target)))).toEqual([]);
  });

  it("names files that are there", () => {
    const names = [...textOf(document).matchAll(/`((?:src|test|scripts|configs|bench|docs|schema|\.ci)\/[\w./-]*)`/g)];
    expect(names.map(([, name]) => name!).filter((name) => !existsSync(join(root, name)))).toEqual([]);
  });
});

describe.each(["CONTRIBUTING.md", "src/README.md"])("%s", (document) => {
  it("names paths that are there: from the root, or the end of one in src", () => {
    const paths = [...textOf(document).matchAll(/`([\w.-]+(?:\/[\w.-]*)*)`/g)]
      .map(([, path]) => path!)
      .filter((path) => path.includes("/") || /\.(ts|mjs|py|hbs)$/.test(path))
      .map((path) => path.replace(/\/$/, ""));
    const inSource = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).map(
      (path) => `/${path.split(sep).join("/")}`,
    );
    const isThere = (path: string): boolean =>
      existsSync(join(root, path)) || inSource.some((file) => file.endsWith(`/${path}`));
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.filter((path) => !isThere(path))).toEqual([]);
  });
});

function codeBlocks(document: string): { language: string; text: string }[] {
  return [...document.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = "", text = ""]) => ({
    language,
    text,
  }));
}
