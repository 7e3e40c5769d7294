// What npm runs after an install, and again before the first `npx netc` in a clone: builds, unless what is built is newer
// than everything that it is built from.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const lastBuilt = new URL("dist/runtime/engines/wasm/kernels-relaxed.wasm", root);
const sources = ["src/", "blocks/", "scripts/", "package.json", "tsconfig.json"].flatMap(filesUnder);

if (!existsSync(lastBuilt) || sources.some((source) => changed(source) > changed(lastBuilt))) {
  const options = { cwd: fileURLToPath(root), stdio: "inherit", shell: process.platform === "win32" };
  process.exitCode = spawnSync("npm", ["run", "build"], options).status ?? 1;
}

function filesUnder(name) {
  const place = new URL(name, root);
  if (!name.endsWith("/")) return [place];
  return readdirSync(place, { recursive: true }).map((file) => new URL(encodeURI(file.replaceAll("\\", "/")), place));
}

function changed(file) {
  return statSync(file).mtimeMs;
}
