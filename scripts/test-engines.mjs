// Runs test/engines/optional: the engines whose libraries netc does not bring. What an environment variable does not name is
// installed into .cache/engines on first use: TensorFlow's wheel (1.5 GB) by pip.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const TENSORFLOW = "tensorflow-cpu==2.21.0";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}.cache/engines/tensorflow`;

const environment = { ...process.env };
if (!environment.NETC_TENSORFLOW) {
  if (!existsSync(`${folder}/installed`)) {
    run("python3", ["-m", "venv", folder]);
    run(`${folder}/bin/pip`, ["install", "--quiet", "--disable-pip-version-check", TENSORFLOW]);
    run("touch", [`${folder}/installed`]);
  }
  environment.NETC_TENSORFLOW = folder;
}
run("npx", ["vitest", "run", "--config", "test/engines/optional/vitest.config.ts", ...process.argv.slice(2)]);

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, env: environment, stdio: "inherit" });
  if (error) process.stderr.write(`${command} cannot be run: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}
