// A file or folder → the pictures that it stands for, by the ends of their names, in an order that no machine changes.
import type { Dirent } from "node:fs";
import { readdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";

const EXTENSIONS = new Set([".png", ".jpg", ".jpeg", ".webp"]);

function isImageName(name: string): boolean {
  return !name.startsWith(".") && EXTENSIONS.has(extname(name).toLowerCase());
}

/** Every picture below a folder, hidden ones left out; anything else stands for itself. */
export function imageFilesOf(path: string): string[] {
  if (!(statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false)) return [path];
  return entriesOf(path).flatMap((entry) => {
    if (entry.isDirectory()) return imageFilesOf(join(path, entry.name));
    return isImageName(entry.name) ? [join(path, entry.name)] : [];
  });
}

/** What a folder holds, sorted by name: by code units, which are the same everywhere. */
export function entriesOf(folder: string): Dirent[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith("."))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
