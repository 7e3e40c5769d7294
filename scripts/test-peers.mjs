// Runs test/peers: what netc writes, read back by other people's programs. The Python packages that they need go into a
// virtual environment under .cache/peers, made anew where test/peers/requirements.txt has changed. Needs Python 3 with venv
// (Debian: python3-venv); NETC_PEER_PYTHON names an interpreter that has the packages already.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const requirements = `${root}test/peers/requirements.txt`;
const environment = `${root}.cache/peers`;
let python = process.env["NETC_PEER_PYTHON"];
python ??= installed();

run("npx", ["vitest", "run", "--config", "test/peers/vitest.config.ts", ...process.argv.slice(2)]);

function installed() {
  const done = `${environment}/requirements.txt`;
  const interpreter = `${environment}/bin/python`;
  if (existsSync(done) && readFileSync(done, "utf8") === readFileSync(requirements, "utf8")) return interpreter;
  rmSync(environment, { recursive: true, force: true });
  mkdirSync(environment, { recursive: true });
  run("python3", ["-m", "venv", environment]);
  run(interpreter, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]);
  copyFileSync(requirements, done);
  return interpreter;
}

function run(command, args) {
  const env = { ...process.env, NETC_PEER_PYTHON: python };
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    env,
    shell: process.platform === "win32" && command === "npx",
  });
  if (status !== 0) process.exit(status ?? 1);
}
