import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { compileFile, loadConfigFile, loadFile } from "../../../src/cli/load/load-file.js";
import { loadPrepared } from "../../../src/cli/load/load-prepared.js";
import { parse } from "../../../src/compiler/front/parse.js";
import { netc } from "../../support/netc.js";
import { writePhotos } from "../../support/photos.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

vi.mock("../../../src/compiler/front/parse.js", { spy: true });

/** A network of pictures, one of which cannot be read and is left out; most of it is said by the file that it extends. */
async function folderOfFiles(): Promise<string> {
  const folder = await temporaryFolder();
  await writePhotos(join(folder, "photos"), 5, 16);
  await writeFile(join(folder, "photos/cat/broken.jpg"), "no picture");
  await writeFile(
    join(folder, "base.yaml"),
    `name: pets
data: { dataset: { images: { folder: ${join(folder, "photos")}, size: 16, broken: skip } } }
model: { stem: { channels: 8 }, stages: [{ channels: 8, blocks: 1 }] }
train: { epochs: 2, batch_size: 4, learning_rate: 0.1 }
`,
  );
  await writeFile(join(folder, "pets.yaml"), "extends: base.yaml\nseed: 3\n");
  await writeFile(join(folder, "other.yaml"), "extends: netc:smoke\nname: other\n");
  return folder;
}

describe("every command opens the file that it is given once, and so the one that this extends", () => {
  it.each([
    "check pets.yaml other.yaml",
    "graph pets.yaml",
    "resolve pets.yaml",
    "resolve pets.yaml --origins",
    "explain train.epochs pets.yaml",
    "diff pets.yaml other.yaml",
    "set pets.yaml train.epochs=3",
    "data show pets.yaml",
    "export pytorch pets.yaml -o project",
    "profile pets.yaml --steps 1 --threads 1",
    "run pets.yaml --threads 1 --no-tune",
  ])("netc %s", async (line) => {
    const folder = await folderOfFiles();
    const reads = join(folder, "reads");
    const environment = {
      NODE_OPTIONS: `--import=${new URL("../../support/count-reads.mjs", import.meta.url).href}`,
      NETC_TEST_READS: reads,
      NETC_CACHE: join(folder, "cache"),
    };
    const { exitCode, errors } = await netc(line.split(" "), { folder, environment });
    expect(exitCode, errors).toBe(0);
    const opened = (await readFile(reads, "utf8"))
      .split("\n")
      .filter((path) => /[/\\](pets|base|other)\.yaml$/.test(path));
    const named = line.split(" ").filter((word) => word.endsWith(".yaml"));
    expect(opened.toSorted()).toEqual(["base.yaml", ...named].map((name) => join(folder, name)).toSorted());
  });
});

describe("what was read is parsed once", () => {
  let folder: string;
  let written: string;

  beforeEach(async () => {
    folder = await folderOfFiles();
    written = "";
    vi.mocked(parse).mockClear();
    vi.stubEnv("NETC_CACHE", join(folder, "cache"));
    vi.spyOn(process.stderr, "write").mockImplementation((text) => Boolean((written += String(text))));
  });

  afterEach(() => {
    vi.mocked(process.stderr.write).mockRestore();
    vi.unstubAllEnvs();
  });

  it.each([
    ["the faults of a file", (path: string) => compileFile(path, [], { engine: "wasm", threads: 1 })],
    ["its configuration", (path: string) => loadConfigFile(path, ["train.epochs=3"])],
    ["its program", (path: string) => loadFile(path)],
    ["images that are counted again without those that cannot be read", (path: string) => loadPrepared(path, [])],
  ])("for %s", async (_, load) => {
    expect(await load(join(folder, "pets.yaml"))).toBeDefined();
    const parsed = vi.mocked(parse).mock.calls.map(([, name]) => name);
    expect(parsed).toEqual(["pets.yaml", "base.yaml"].map((name) => join(folder, name)));
  });

  it("leaves out of a network's plan what cannot be read", async () => {
    const imagesBy = async (load: typeof loadPrepared): Promise<number> => {
      const { plan } = (await load(join(folder, "pets.yaml"), []))!.program;
      return plan.trainImages + plan.testImages;
    };
    expect([await imagesBy(loadFile), await imagesBy(loadPrepared)]).toEqual([11, 10]);
    expect(written).toContain(`left out: ${join(folder, "photos")}/cat/broken.jpg is not`);
  });
});
