// Joins the modules of the command line in a few files, dist/bundle/: Node takes longer to find and read a hundred small ones
// than netc takes to check a file. What a command alone needs stays in a chunk of its own, read when it runs.
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const entry = fileURLToPath(new URL("dist/cli/main.js", root));
const output = new URL("dist/bundle/", root);

/** Read at every start, and as many files each; other packages stay where npm has put them. */
const joined = new Set(["yaml", "commander", "picocolors"]);

/** Templates, kernels and package.json are found from the place of the module that reads them, not of its chunk. */
const placesOfModules = {
  name: "places-of-modules",
  transform(code, file) {
    if (!code.includes("import.meta.url")) return null;
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

// The bundler needs a newer Node than netc does; bin/netc.js starts the modules as they are where there is no bundle
const [major, minor] = process.versions.node.split(".").map(Number);
if (major === 20 && minor < 19) process.exit(0);

const { rolldown } = await import("rolldown");
const bundle = await rolldown({
  input: entry,
  platform: "node",
  external: (name) => !/^[./]|^[A-Z]:/.test(name) && !joined.has(name),
  plugins: [placesOfModules],
});
await bundle.write({
  dir: fileURLToPath(output),
  format: "esm",
  entryFileNames: "[name].js",
  codeSplitting: { groups },
});
