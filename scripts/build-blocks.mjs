// Writes the blocks that come with netc, blocks/*.yaml, as a module: the compiler reads no files. It goes beside its types in
// src, where tests run it, and into dist.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { parseDocument } from "yaml";

const root = new URL("../", import.meta.url);
const found = {};
for (const name of readdirSync(new URL("blocks/", root))
  .filter((file) => file.endsWith(".yaml"))
  .sort()) {
  const file = `blocks/${name}`;
  const source = readFileSync(new URL(file, root), "utf8");
  const document = parseDocument(source);
  if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0].message}`);
  for (const { key, value } of document.get("blocks").items) {
    const lines = source.slice(key.range[0], value.range[1]).trimEnd().split("\n");
    const text = lines.map((line) => line.replace(/^ {2}/, "")).join("\n");
    found[key.value] = { file, text, definition: value.toJS(document) };
  }
}
const code = `// Written by scripts/build-blocks.mjs from blocks/*.yaml.
export const shippedTexts = ${JSON.stringify(found, undefined, 1)};
`;
for (const folder of ["src", "dist"]) {
  const target = new URL(`${folder}/compiler/blocks/`, root);
  mkdirSync(target, { recursive: true });
  writeFileSync(new URL("shipped-blocks.js", target), code);
}
