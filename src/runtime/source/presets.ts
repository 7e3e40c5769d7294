// The networks that come with netc: their names and places, and each as a file to start from.
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { posix } from "node:path";
import nodePath, { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { shellWord } from "../process/shell-word.js";

const folder = new URL("../../../configs/", import.meta.url);
const ENDING = ".yaml";
const schema = new URL("../../../schema/netc.schema.json", import.meta.url);

export interface Preset {
  readonly name: string;
  /** The first sentence of the file's first comment. */
  readonly summary: string;
}

export async function presets(): Promise<Preset[]> {
  return Promise.all(
    presetNames().map(async (name) => {
      const text = await readFile(placeOfPreset(name), "utf8");
      return { name, summary: firstSentence(text) };
    }),
  );
}

/** Of the comment that a file opens with, without the commands in it. */
function firstSentence(text: string): string {
  const lines = text.split("\n").filter((line) => !line.includes("yaml-language-server"));
  const end = lines.findIndex((line) => !/^# \S/.test(line));
  const comment = lines
    .slice(0, end)
    .map((line) => line.slice(2))
    .join(" ");
  return /^.*?\.(?=\s+[A-Z]|$)/.exec(comment)?.[0] ?? comment;
}

export function presetNames(): string[] {
  return [...presetFiles().keys()].sort();
}

/** Where it is, or would be. */
export function placeOfPreset(name: string): string {
  return fileURLToPath(new URL(presetFiles().get(name) ?? `${name}${ENDING}`, folder));
}

/** Their names in the folder, those in folders of it too, by preset. */
function presetFiles(): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(ENDING));
  return new Map(files.map((name) => [basename(name, ENDING), name.replaceAll("\\", "/")]));
}

/** The preset's text, its header pointing at the schema from where it will stand. */
export async function readPreset(name: string, path: string): Promise<string> {
  const text = await readFile(placeOfPreset(name), "utf8");
  const itself = path === "-" ? "FILE" : shellWord(path);
  return text
    .replaceAll(`configs/${name}.yaml`, () => itself)
    .replace(/^# yaml-language-server: \S+/m, () => schemaHeader(path));
}

/** The line by which editors find the language's schema from a file at `path`. */
export function schemaHeader(path: string): string {
  const target = fileURLToPath(schema);
  return `# yaml-language-server: $schema=${path === "-" ? target : schemaFrom(resolve(path), target)}`;
}

/**
 * How the file at `path` names the schema: relative to itself, as a URL where it is on another drive, or where the way there
 * has spaces, which would end the name.
 */
export function schemaFrom(
  path: string,
  target: string,
  paths: Pick<typeof posix, "dirname" | "isAbsolute" | "relative"> = nodePath,
): string {
  const way = paths.relative(paths.dirname(path), target);
  const forward = way.replaceAll("\\", "/");
  if (paths.isAbsolute(way) || /\s/.test(way))
    return `file:///${encodeURI(target.replaceAll("\\", "/").replace(/^\//, ""))}`;
  return forward.startsWith(".") ? forward : `./${forward}`;
}
