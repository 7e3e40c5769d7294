// Packs netc as it would be published, installs the package in an empty project as somebody who found it on npm would, and uses
// every command and the API there: on this Node and on others, each with its own npm. What it needs of those comes from npm.
//   npm run test:package [-- MAJOR...]      without any: 20 22 24 26
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What npm calls a package's size: of the tarball. It was 1.0 MB, with 4.5 MB in it, when this was written. */
const MOST_PACKED = 1_200_000;
const MOST_UNPACKED = 6_000_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const majors = process.argv.length > 2 ? process.argv.slice(2) : ["20", "22", "24", "26"];
const scratch = mkdtempSync(join(tmpdir(), "netc-package-"));
try {
  const tarball = pack();
  for (const major of majors) await useIt(tarball, major);
  console.log(`the package works on Node ${majors.join(", ")}`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function pack() {
  const [packed] = JSON.parse(execute("npm", ["pack", "--json", "--pack-destination", scratch], root));
  const { filename, size, unpackedSize, files } = packed;
  console.log(
    `${filename}: ${size.toLocaleString("en")} bytes, ${unpackedSize.toLocaleString("en")} unpacked, ${files.length} files`,
  );
  if (size > MOST_PACKED) fail(`the package has ${size} bytes, and may have ${MOST_PACKED}`);
  if (unpackedSize > MOST_UNPACKED)
    fail(`the package has ${unpackedSize} bytes unpacked, and may have ${MOST_UNPACKED}`);
  const modules = files.filter(({ path }) =>
    /^dist\/(?!bundle\/|runtime\/data\/).*\.js$|\.map$|^(src|test|scripts)\//.test(path),
  );
  if (modules.length > 0) fail(`the package holds more than it needs: ${modules.map(({ path }) => path).join(", ")}`);
  return join(scratch, filename);
}

async function useIt(tarball, major) {
  const project = join(scratch, `project ${major}`); // a space, as in many people's folders
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const environment = { ...process.env, ...nodeOf(major), NETC_CACHE: join(scratch, "cache"), CI: "true" };
  const run = (command, ...args) => execute(command, args, project, environment);
  const netc = (...args) => run("npx", "netc", ...args);
  console.log(`\nNode ${run("node", "--version").trim()}, npm ${run("npm", "--version").trim()}`);
  run("npm", "install", tarball, "--no-audit", "--no-fund");

  // Every command that `netc --help` lists is used below, or is named here with the reason why not
  const unused = new Set(["engine"]); // `add` installs hundreds of megabytes; `npm run test:engines` does
  const used = new Set();
  const tries = [
    ["check", "netc:resnet-50", "netc:smoke"],
    ["init", "smoke", "-o", "net.yaml"],
    ["set", "net.yaml", "train.epochs=1"],
    ["graph", "net.yaml"],
    ["graph", "net.yaml", "--format", "html", "-o", "net.html"],
    ["resolve", "net.yaml"],
    ["explain", "model.stages", "net.yaml"],
    ["explain", "blocks.bottleneck"],
    ["diff", "net.yaml", "netc:smoke"],
    ["schema"],
    ["doctor", "--json"],
    ["complete", "bash"],
    ["run", "net.yaml", "--out", "runs/one"],
    ["runs"],
    ["runs", "show", "runs/one"],
    ["report", "runs/one"],
    ["evaluate", "runs/one", "--sheet", "sheet.png"],
    ["profile", "net.yaml"],
    ["data", "show", "net.yaml", "-o", "samples.png"],
    ["predict", "runs/one", "samples.png"],
    ["weights", "match", "runs/one", "net.yaml"],
    ["export", "onnx", "runs/one", "-o", "onnx"],
    ["export", "tfjs", "runs/one", "-o", "tfjs"],
    ["export", "safetensors", "runs/one", "-o", "safetensors"],
    ["export", "savedmodel", "runs/one", "-o", "saved-model"],
    ["export", "pytorch", "net.yaml", "-o", "pytorch"],
  ];
  for (const [command, ...args] of tries) {
    netc(command, ...args);
    used.add(command);
  }
  await watch(project, environment);
  used.add("watch");
  const listed = [...netc("--help").matchAll(/^ {2}([a-z]+) /gm)]
    .map(([, name]) => name)
    .filter((name) => name !== "help");
  const untried = listed.filter((name) => !used.has(name) && !unused.has(name));
  if (listed.length < tries.length / 2 || untried.length > 0)
    fail(`commands that nothing here uses: ${untried.join(", ")}`);

  for (const [index, example] of examples().entries()) {
    writeFileSync(join(project, `example-${index}.mjs`), example);
    run("node", `example-${index}.mjs`);
  }
  console.log(`  ${used.size} commands and ${examples().length} examples of the API`);
}

/** README's own, asked about what is there. */
function examples() {
  const blocks = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^```ts\n(.*?)^```/gms)].map(
    ([, code]) => code,
  );
  const found = blocks.filter((code) => code.includes('from "netc"'));
  if (found.length === 0) fail("README.md has no example of the API");
  return found.map((code) =>
    code
      .replaceAll("shapes.yaml", "net.yaml")
      .replaceAll(/openRun\("[^"]*"/g, 'openRun("runs/one"')
      .replaceAll(/"[^"]+\.(png|jpg)"/g, '"samples.png"'),
  );
}

/** Serves until it is told to end, itself and not npx, which would leave it behind. */
async function watch(project, environment) {
  const netc = join(project, "node_modules/netc/bin/netc.js");
  const child = spawn("node", [netc, "watch", "--port", "0"], { cwd: project, env: environment });
  let output = "";
  child.stdout.on("data", (text) => (output += text));
  child.stderr.on("data", (text) => (output += text));
  const deadline = Date.now() + 60_000;
  while (!/http:\S+/.test(output) && Date.now() < deadline && child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const [address] = /http:\S+/.exec(output) ?? fail(`netc watch did not begin:\n${output}`);
  const page = await (await fetch(address)).text();
  child.kill("SIGTERM");
  if (child.exitCode === null) await once(child, "exit");
  if (!page.includes("<h1>smoke</h1>")) fail("netc watch shows no run");
}

/** The variables under which `node`, `npm` and `npx` are of that version: this one's own, or npm's package of Node. */
function nodeOf(major) {
  if (process.versions.node.startsWith(`${major}.`)) return {};
  const folder = join(root, ".cache/nodes", major);
  if (!existsSync(join(folder, "installed"))) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
    const npm = { 20: 10, 22: 10, 24: 11 }[major] ?? 12;
    const packages = [`node-${process.platform}-${process.arch}@${major}`, `npm@${npm}`];
    execute("npm", ["install", ...packages, "--force", "--no-audit", "--no-fund", "--ignore-scripts"], folder);
    writeFileSync(join(folder, "installed"), "");
  }
  const modules = join(folder, "node_modules");
  const places = [join(modules, `node-${process.platform}-${process.arch}/bin`), join(modules, ".bin")];
  return { PATH: [...places, process.env.PATH].join(delimiter) };
}

function execute(command, args, cwd, env = process.env) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (error || status !== 0) fail(`${[command, ...args].join(" ")} (${error?.message ?? status}):\n${stdout}${stderr}`);
  return stdout;
}

function fail(message) {
  console.error(message);
  rmSync(scratch, { recursive: true, force: true });
  process.exit(1);
}
