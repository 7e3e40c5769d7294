// What a block's settings take, by how its layers read them: a setting that stands alone where a layer takes a truth value is
// one, and what arithmetic reads is a number.
import { any, boolean, number } from "../front/language/forms.js";
import type { Form, MapForm } from "../front/language/forms.js";
import { parseExpression } from "./expression.js";
import type { Block } from "./find-block.js";
import { readsOfBlock } from "./walk-layers.js";

/** The keys of `block: {NAME: {…}}`. */
export function settingForms(block: Block): MapForm {
  const forms = new Map<string, Form>();
  for (const { form, text } of readsOfBlock(block)) {
    const names = form.kind === "number" ? (parseExpression(text)?.names ?? []) : [text];
    for (const name of names) {
      const alone = name === text.trim();
      if (!forms.has(name) || alone) forms.set(name, alone ? form : number());
    }
  }
  const keys = Object.entries(block.settings).map(([name, { default: value, description }]) => {
    const form = typeof value === "boolean" ? boolean : (forms.get(name) ?? any);
    return [
      name,
      {
        form: form.kind === "any" ? form : ({ kind: "expression", of: form } as const),
        description: description ?? `The block's setting \`${name}\`.`,
        default: value,
        ...(value === null ? { absent: "nothing", example: examples[form.kind] } : {}),
      },
    ] as const;
  });
  return { kind: "map", keys: Object.fromEntries(keys) };
}

/** Of settings that are nothing unless a stage sets them. */
const examples: Partial<Record<Form["kind"], unknown>> = { options: { max: { kernel: 2 } }, number: 1, any: 1 };
