// Ways through the table: where a key may stand, and what is found at a path.
import { layerOptions } from "../../blocks/layers.js";
import type { Form, Key } from "./forms.js";
import { language } from "./language.js";

/** A key with where it stands: `["model", "stages", "[]", "channels"]`; an option's name is a step of the path too. */
export interface Place {
  readonly path: readonly string[];
  readonly key: Key;
}

/** Every key of the language in order, those of options under the option's name. */
export function everyPlace(): readonly Place[] {
  return (places ??= [...placesIn(language, []), ...placesIn(layerOptions(), ["layers"])]);
}

let places: readonly Place[] | undefined;

function placesIn(form: Form, path: readonly string[]): Place[] {
  if (form.kind === "list") return placesIn(form.item, [...path, "[]"]);
  if (form.kind === "short-forms") return placesIn(form.long, path);
  if (form.kind === "options") {
    return Object.entries(form.options).flatMap(([name, option]) =>
      option.settings ? placesIn(option.settings, [...path, name]) : [],
    );
  }
  if (form.kind === "expression") return placesIn(form.of, path);
  if (form.kind === "dictionary") return placesIn(form.item, [...path, "NAME"]);
  if (form.kind !== "map") return [];
  return Object.entries(form.keys).flatMap(([name, key]) => [
    { path: [...path, name], key },
    ...placesIn(key.form, [...path, name]),
  ]);
}

/** `model.stages[].channels` */
export function placeText(path: readonly string[]): string {
  return path.join(".").replaceAll(".[]", "[]");
}
