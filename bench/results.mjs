// Recorded results: one file a day and commit, a part's newest figures in it; and the tables that documents show of them.
import { mkdirSync, readFileSync, readdirSync, writeFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { markdownTable, tablesOf } from "./tables.mjs";

const folder = fileURLToPath(new URL("results/", import.meta.url));

/** Adds a part's result to the file of its day and commit, and returns that file's path. */
export function record(result) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${result.time.slice(0, 10)}-${result.commit}.json`);
  const others = read(path).filter(({ part }) => part !== result.part);
  writeAtomically(path, `${JSON.stringify([...others, result], null, 1)}\n`);
  return path;
}

/** The newest result of a part, of whatever day. */
function newest(part) {
  const files = listFolder().filter((name) => name.endsWith(".json"));
  const results = files.flatMap((name) => read(join(folder, name))).filter((result) => result.part === part);
  return results.sort((a, b) => a.time.localeCompare(b.time)).at(-1);
}

/**
 * Rewrites what stands between `<!-- bench: part part … -->` and `<!-- /bench -->` in a document from the newest results
 * of those parts.
 */
export function writeMarkdown(path) {
  const text = readFileSync(path, "utf8");
  const pattern = /(<!-- bench: ([\w -]+?) -->\n)[^]*?(<!-- \/bench -->)/g;
  if (!pattern.test(text)) throw new Error(`${path} has no part between <!-- bench: … --> and <!-- /bench -->`);
  const filled = text.replaceAll(pattern, (_, open, parts, close) => {
    const texts = parts.split(" ").map((part) => {
      const result = newest(part);
      return result ? markdownOf(result) : `No result of \`${part}\` is recorded yet: \`npm run bench -- ${part}\`.\n`;
    });
    return `${open}\n${texts.join("\n")}\n${close}`;
  });
  writeAtomically(path, filled);
}

export function describe({ time, commit, changed, machine, versions }) {
  const { processor, cores, memoryBytes, system, load } = machine;
  const code = `netc ${versions.netc} at ${commit}${changed ? " with uncommitted changes" : ""}, Node ${versions.node}`;
  const memory = `${(memoryBytes / 2 ** 30).toFixed(0)} GiB`;
  return `${time.slice(0, 10)}, ${processor}, ${cores} cores, ${memory}, ${system}, load ${load.toFixed(1)} before; ${code}`;
}

function markdownOf(result) {
  const tables = tablesOf[result.kind](result.title, result.figures);
  return `${tables.map(markdownTable).join("\n")}\n*${describe(result)}*\n`;
}

function read(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw new Error(`${path} cannot be read: ${error.message}`, { cause: error });
  }
}

function listFolder() {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function writeAtomically(path, text) {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { flush: true });
  renameSync(temporary, path);
}
