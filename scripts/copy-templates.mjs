// Puts what the exporters and reports are printed from beside the code that reads it: tsc copies nothing but its own.
import { cpSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = join(root, "src");

for (const path of readdirSync(sources, { recursive: true, encoding: "utf8" })) {
  const isTemplate = path.endsWith(".hbs") || /[\\/]project[\\/]/.test(path);
  if (!isTemplate || !statSync(join(sources, path)).isFile()) continue;
  const target = join(root, "dist", path);
  mkdirSync(dirname(target), { recursive: true });
  rmSync(target, { force: true });
  cpSync(join(sources, path), target);
}
