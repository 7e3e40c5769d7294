// Every expression that a value holds, with the form of the value that it stands for: what checks of blocks and their
// settings' forms are read off.
import type { Path } from "../diagnostics/diagnostic.js";
import { isWrittenAs } from "../front/language/forms.js";
import type { Form } from "../front/language/forms.js";
import type { Block, Described } from "./find-block.js";
import { layersForm } from "./layers.js";

export interface Read {
  readonly text: string;
  /** Of the value that the text stands for. */
  readonly form: Form;
  /** Where it stands; undefined in a block of netc's. */
  readonly path: Path | undefined;
}

export function readsOfBlock(block: Block): Read[] {
  return listsOf(block).flatMap(({ layers, path }) => readsIn(layersForm, layers, path));
}

/** All lists of layers that a block has, in the order in which they stand in a network. */
export function listsOf({ before, branch, identity, projection, after }: Block): Described[] {
  const shortcut = projection === undefined || projection === "none" ? [] : [projection];
  return [before, ...branch, identity, ...shortcut, after];
}

export function readsIn(form: Form, value: unknown, path: Path | undefined): Read[] {
  const below = (step: string | number): Path | undefined => path && [...path, step];
  switch (form.kind) {
    case "expression":
      return typeof value === "string" ? [{ text: value, form: form.of, path }] : readsIn(form.of, value, path);
    case "named":
      return readsIn(form.form(), value, path);
    case "list":
      return Array.isArray(value) ? value.flatMap((item, index) => readsIn(form.item, item, below(index))) : [];
    case "short-forms": {
      const short = form.shorts.find((candidate) => isWrittenAs(candidate, value));
      if (!short) return readsIn(form.long, value, path);
      // What a short form stands for has no place of its own
      if (short.expand)
        return readsIn(form.long, short.expand(value as never), undefined).map((read) => ({ ...read, path }));
      return short.form.kind === "literal" ? [] : readsIn(short.form, value, path);
    }
    case "map":
      return entriesOf(value).flatMap(([name, inner]) =>
        Object.hasOwn(form.keys, name) ? readsIn(form.keys[name]!.form, inner, below(name)) : [],
      );
    case "options":
      return entriesOf(value).flatMap(([name, inner]) => {
        const settings = Object.hasOwn(form.options, name) ? form.options[name]!.settings : null;
        return settings ? readsIn(settings, inner, below(name)) : [];
      });
    default:
      return [];
  }
}

function entriesOf(value: unknown): [string, unknown][] {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : [];
}
