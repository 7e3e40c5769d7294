// Runs tfjs-core's own specs on netc's binding of tfjs-node. Needs NETC_TENSORFLOW and NETC_TFJS_NODE, which
// `npm run test:engines` installs into .cache/engines where they are not set; bundles into .cache/tfjs-core.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PACKAGES = ["esbuild@0.28.0", "jasmine@3.99.0"];
/** Of run-specs.mjs: only specs failed that test the statistics of a few thousand draws, and so fail by chance now and then. */
const BY_CHANCE = 3;

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}.cache/tfjs-core`;
const environment = { ...process.env };
environment.NETC_TENSORFLOW ??= `${root}.cache/engines/tensorflow`;
environment.NETC_TFJS_NODE ??= `${root}.cache/engines/tfjs-node`;

if (!existsSync(`${folder}/node_modules/jasmine`)) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/package.json`, `${JSON.stringify({ private: true })}\n`);
  run("npm", ["install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", ...PACKAGES]);
}
const bundle = `${folder}/specs.cjs`;
run(`${folder}/node_modules/.bin/esbuild`, [
  "test/tfjs-core/specs.cjs",
  "--bundle",
  "--platform=node",
  "--external:jasmine-core/*",
  "--ignore-annotations", // the packages call modules with effects free of them
  "--log-level=error",
  `--outfile=${bundle}`,
]);
const specs = () =>
  spawnSync(process.execPath, ["test/tfjs-core/run-specs.mjs", bundle], {
    cwd: root,
    env: environment,
    stdio: "inherit",
  });
let { status } = specs();
if (status === BY_CHANCE) ({ status } = specs());
process.exitCode = status ?? 1;

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, env: environment, stdio: "inherit" });
  if (error) process.stderr.write(`${command} cannot be run: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}
