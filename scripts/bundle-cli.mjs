// Joins the modules in a few files, dist/bundle/, all of netc's code that npm's package holds: Node takes longer to find and read
// a hundred small ones than netc takes to check a file. What a command alone needs stays in a chunk of its own, read when it runs.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const output = new URL("dist/bundle/", root);

/** The command line, the API, and what threads and processes begin with, which `builtModule` names by its place. */
const threads = [
  "runtime/data/preparation-process",
  "runtime/engines/wasm/code/thread",
  "runtime/engines/wasm/onednn/thread",
  "runtime/engines/wasm/peak/peak-worker",
  "runtime/engines/wasm/worker",
];
const entries = {
  main: "cli/main",
  index: "index",
  ...Object.fromEntries(threads.map((place) => [flat(place), place])),
};

/** Read at every start, and as many files each; other packages stay where npm has put them. */
const joined = new Set(["yaml", "commander", "picocolors"]);

/** Templates, kernels and package.json are found from the place of the module that reads them, not of its chunk. */
const placesOfModules = {
  name: "places-of-modules",
  transform(code, file) {
    if (!code.includes("import.meta.url")) return null;
    if (/process.built-module\.js$/.test(file)) {
      return `export const builtModule = (place) => new URL("./" + place.replaceAll("/", "-") + ".js", import.meta.url);`;
    }
    const path = fileURLToPath(root);
    const place = `../../${file.slice(path.length).replaceAll("\\", "/")}`;
    return code.replaceAll("import.meta.url", `new URL(${JSON.stringify(place)}, import.meta.url).href`);
  },
};

/** What most commands share is one file each; the rest stays in chunks by what asks for it. */
const groups = [
  {
    name: "start",
    test: /node_modules.(?!yaml)|dist.cli.screen.(errors|exit-codes|options)|dist.runtime.process.(user-error|version)/,
  },
  { name: "lower", test: /dist.compiler.lower.(?!tensorflow)/ },
  {
    name: "compiler",
    test: /dist.compiler.(?!lower|targets|front.edit)|dist.cli.(graph|load)./,
  },
];

rmSync(output, { recursive: true, force: true });

// The bundler needs a newer Node than netc does: in a clone, an older one has the modules as they are
const [major, minor] = process.versions.node.split(".").map(Number);
if (major === 20 && minor < 19) {
  mkdirSync(output);
  for (const [name, place] of Object.entries(entries)) {
    writeFileSync(new URL(`${name}.js`, output), `export * from "../${place}.js";\n`);
  }
  process.exit(0);
}

const { rolldown } = await import("rolldown");
await write(["main", "index"], { codeSplitting: { groups } });
// Apart, so that a thread reads nothing of the compiler
await write(threads.map(flat), { chunkFileNames: "thread-[name]-[hash].js" });

async function write(names, options) {
  const bundle = await rolldown({
    input: Object.fromEntries(names.map((name) => [name, fileURLToPath(new URL(`dist/${entries[name]}.js`, root))])),
    platform: "node",
    external: (name) => !/^[./]|^[A-Z]:/.test(name) && !joined.has(name),
    plugins: [placesOfModules],
  });
  await bundle.write({ dir: fileURLToPath(output), format: "esm", entryFileNames: "[name].js", ...options });
}

function flat(place) {
  return place.replaceAll("/", "-");
}
