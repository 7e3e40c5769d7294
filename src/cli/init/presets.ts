// The networks that come with netc, as files to start from.
import { readFile, readdir } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const folder = new URL("../../../configs/", import.meta.url);
const schema = new URL("../../../schema/netc.schema.json", import.meta.url);

export interface Preset {
  readonly name: string;
  /** The first sentence of the file's first comment. */
  readonly summary: string;
}

export async function presets(): Promise<Preset[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".yaml")).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, folder), "utf8");
      const comment =
        text.split("\n").find((line) => line.startsWith("# ") && !line.includes("yaml-language-server")) ?? "";
      return { name: name.replace(/\.yaml$/, ""), summary: comment.slice(2).replace(/[.:].*$/, "") };
    }),
  );
}

/** The preset's text, its header pointing at the schema from where it will stand. */
export async function readPreset(name: string, path: string): Promise<string> {
  const text = await readFile(new URL(`${name}.yaml`, folder), "utf8");
  const target = fileURLToPath(schema);
  const fromThere = path === "-" ? target : relative(dirname(resolve(path)), target).replaceAll("\\", "/");
  return text.replace(
    /\$schema=\S+/,
    `$schema=${fromThere.startsWith(".") || path === "-" ? fromThere : `./${fromThere}`}`,
  );
}
