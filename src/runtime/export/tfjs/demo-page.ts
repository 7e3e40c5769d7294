// A trained model → one HTML page that holds it, TensorFlow.js and netc's own preprocessing, and classifies a picture that is
// dropped, pasted or chosen. Opened from a disk it works as well: it asks nothing of any network.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Program } from "../../../compiler/program.js";
import { renderTemplate } from "../../files/render-template.js";

export interface DemoOptions {
  readonly program: Program;
  readonly classes: readonly string[];
  readonly modelJson: string;
  readonly weights: Uint8Array;
}

/** What demo.html.hbs prints; the last three are made safe to stand in a script. */
interface DemoView {
  readonly title: string;
  readonly classCount: number;
  readonly input: string;
  readonly libraries: readonly string[];
  readonly preprocessing: string;
  readonly data: string;
}

export async function demoPage({ program, classes, modelJson, weights }: DemoOptions): Promise<string> {
  const { config } = program;
  const { height, width } = config.model.input;
  const data = {
    model: JSON.parse(modelJson) as unknown,
    weights: Buffer.from(weights.buffer, weights.byteOffset, weights.length).toString("base64"),
  };
  const view: DemoView = {
    title: config.name.trim() || "network",
    classCount: classes.length,
    input: `${height}×${width}`,
    libraries: await Promise.all(
      LIBRARIES.map(async (path) => inScript(await readFile(requireFromHere.resolve(path), "utf8"))),
    ),
    preprocessing: inScript((await ownModules(PREPROCESSING)).join("\n")),
    // Nothing that HTML would read as the end of the script, or as a comment
    data: JSON.stringify(data).replaceAll("<", "\\u003c"),
  };
  return renderTemplate(new URL("demo.html.hbs", import.meta.url), view, { kind: "html" });
}

const requireFromHere = createRequire(import.meta.url);

/** Each adds itself to the global `tf`. */
const LIBRARIES = [
  "@tensorflow/tfjs-core/dist/tf-core.es2017.min.js",
  "@tensorflow/tfjs-layers/dist/tf-layers.es2017.min.js",
  "@tensorflow/tfjs-backend-cpu/dist/tf-backend-cpu.es2017.min.js",
];

/**
 * netc's own, for the steps that the model's metadata ask for: the same bits as in training and in `netc predict`. These and what
 * they import are the only modules that npm's package holds beside the bundle (`files` in package.json).
 */
const PREPROCESSING = ["../../data/test-views.js", "../../data/images/fit-image.js"].map(
  (path) => new URL(path, import.meta.url),
);

/** The compiled modules and all that they import, each once, as plain script: what imports stands behind what it imports. */
async function ownModules(modules: readonly URL[], seen = new Set<string>()): Promise<string[]> {
  const scripts: string[] = [];
  for (const module of modules) {
    if (seen.has(module.href)) continue;
    seen.add(module.href);
    const text = await readFile(module, "utf8");
    const imported = [...text.matchAll(/^import .* from "(\.[^"]+)";$/gm)].map(([, path]) => new URL(path!, module));
    scripts.push(...(await ownModules(imported, seen)), plainScript(text));
  }
  return scripts;
}

function plainScript(text: string): string {
  return text
    .replaceAll(/^import .*$/gm, "")
    .replaceAll(/^export /gm, "")
    .replaceAll(/^\/\/# sourceMappingURL.*$/gm, "");
}

/** Libraries end no script and load no maps. */
function inScript(code: string): string {
  return code.replaceAll(/<\/(script)/gi, "<\\/$1").replaceAll(/^\/\/# sourceMappingURL.*$/gm, "");
}
