// Runs test/editor: what an editor shows for netc's files, by way of the language server that editors use. The server and
// what it brings with it (30 MB) are not worth having in every install, so they are put into .cache/editor on first use.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const VERSION = "1.19.2";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}.cache/editor`;
const server = `${folder}/node_modules/yaml-language-server/package.json`;

if (!existsSync(server)) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/package.json`, `${JSON.stringify({ private: true })}\n`);
  run("npm", ["install", `yaml-language-server@${VERSION}`, "--ignore-scripts", "--no-audit", "--no-fund"], folder);
}
run("npx", ["vitest", "run", "--config", "test/editor/vitest.config.ts"], root);

function run(command, args, cwd) {
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) process.exit(status ?? 1);
}
