// A file or folder → the pictures that it stands for, by the ends of their names, in an order that no machine changes, and all
// that is passed over on the way, counted by its kind.
import type { Dirent, Stats } from "node:fs";
import { lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { kindOf } from "../../files/read-plain-file.js";
import type { OtherKind } from "./picture-formats.js";
import { otherKindOf, systemKindOf } from "./picture-formats.js";

export interface FoundPicture {
  /** Relative to where the search began, with slashes. */
  readonly path: string;
  /** Where it cannot be read whatever it holds, why, as a clause: "is a link to nothing". */
  readonly fault?: string;
}

/** Files of one kind that are not read. */
export interface PassedOver extends OtherKind {
  readonly count: number;
  /** One of them. */
  readonly first: string;
}

/** Gathers what is passed over. */
export class PassedOverFiles {
  private readonly kinds = new Map<string, { count: number; readonly first: string; readonly of: OtherKind }>();

  add(of: OtherKind, path: string): void {
    const known = this.kinds.get(of.kind);
    if (known) known.count++;
    else this.kinds.set(of.kind, { count: 1, first: path, of });
  }

  list(): PassedOver[] {
    return [...this.kinds.values()].map(({ count, first, of }) => ({ ...of, count, first }));
  }
}

/** Every picture below a folder; anything else stands for itself. */
export function imageFilesOf(path: string, passedOver = new PassedOverFiles()): string[] {
  if (!(statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false)) return [path];
  return picturesIn(path, "", passedOver).map((found) => join(path, found.path));
}

/**
 * Every picture below `folder`, whose own path relative to where the search began is `place`. A link to a folder is followed
 * once, and not where it leads back to what is searched anyway.
 */
export function picturesIn(folder: string, place: string, passedOver: PassedOverFiles): FoundPicture[] {
  const found: FoundPicture[] = [];
  const followed: string[] = [];
  let root: string | undefined;
  const search = (current: string, at: string): void => {
    let entries: readonly Entry[];
    try {
      entries = entriesOf(current);
    } catch (error) {
      found.push({ path: at, fault: `is a folder that cannot be read (${(error as NodeJS.ErrnoException).code})` });
      return;
    }
    for (const entry of entries) {
      const [path, inner] = [join(current, entry.name), at === "" ? entry.name : `${at}/${entry.name}`];
      const system = systemKindOf(entry.name);
      if (system) passedOver.add(system, inner);
      else if (entry.kind === "folder") {
        if (entry.isLink) {
          const real = realpathSync(path);
          root ??= realpathSync(folder);
          if ([root, ...followed].some((other) => isWithin(real, other) || isWithin(root!, real))) {
            passedOver.add(READ_ALREADY, inner);
            continue;
          }
          followed.push(real);
        } else if (followed.length > 0 && followed.includes(realpathSync(path))) continue; // a link led here before
        search(path, inner);
      } else {
        const other = otherKindOf(entry.name);
        if (other === undefined)
          found.push(entry.fault === undefined ? { path: inner } : { path: inner, fault: entry.fault });
        else passedOver.add(entry.fault === undefined ? other : unreadableKind(entry.fault), inner);
      }
    }
  };
  search(folder, place);
  return found;
}

const READ_ALREADY: OtherKind = { kind: "link to a folder that is searched already", way: "remove it" };

export function unreadableKind(fault: string): OtherKind {
  return { kind: fault.replace(/^is an? /, "").replace(/, expected a file$/, ""), way: "remove it" };
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
}

export interface Entry {
  readonly name: string;
  readonly kind: "folder" | "other";
  readonly isLink: boolean;
  /** Why what is no folder cannot be read as a file. */
  readonly fault?: string;
}

/** What a folder holds, sorted by name: by code units, which are the same everywhere. Links are what they lead to. */
export function entriesOf(folder: string): Entry[] {
  return readdirSync(folder, { withFileTypes: true })
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map((entry) => entryOf(folder, entry));
}

function entryOf(folder: string, entry: Dirent): Entry {
  const { name } = entry;
  if (entry.isFile()) return { name, kind: "other", isLink: false };
  if (entry.isDirectory()) return { name, kind: "folder", isLink: false };
  const isLink = entry.isSymbolicLink();
  let found: Stats;
  try {
    // Some file systems do not say in a listing what their entries are
    found = isLink ? statSync(join(folder, name)) : lstatSync(join(folder, name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const leads =
      code === "ENOENT" ? "to nothing" : code === "ELOOP" ? "to itself" : `that cannot be followed (${code})`;
    return { name, kind: "other", isLink, fault: isLink ? `is a link ${leads}` : `cannot be read (${code})` };
  }
  if (found.isDirectory()) return { name, kind: "folder", isLink };
  if (found.isFile()) return { name, kind: "other", isLink };
  return { name, kind: "other", isLink, fault: `is ${kindOf(found)}, expected a file` };
}
