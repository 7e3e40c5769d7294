// A Handlebars template and the view that was made for it → text. All decisions are the view's: templates loop and print.
import { readFile } from "node:fs/promises";

export interface RenderOptions {
  /** "html" escapes what it prints; "text" prints it as it is, so the view must hold only what is safe there. */
  readonly kind: "text" | "html";
  /** Templates that this one uses, by name. */
  readonly partials?: Readonly<Record<string, URL>>;
}

/** `template` is the place of a `.hbs` file beside the code that uses it. A name that the view lacks is an error. */
export async function renderTemplate<View extends object>(
  template: URL,
  view: View,
  { kind, partials = {} }: RenderOptions,
): Promise<string> {
  const key = JSON.stringify([template.href, kind, Object.entries(partials).map(([name, { href }]) => [name, href])]);
  const compiled = templates.get(key) ?? compile(template, kind, partials);
  templates.set(key, compiled);
  return (await compiled)(view);
}

type Template = (view: object) => string;

/** Of each template the function that it was compiled to: files are read once. */
const templates = new Map<string, Promise<Template>>();

async function compile(
  template: URL,
  kind: RenderOptions["kind"],
  partials: NonNullable<RenderOptions["partials"]>,
): Promise<Template> {
  const [source, { default: handlebars }] = await Promise.all([readFile(template, "utf8"), import("handlebars")]);
  const environment = handlebars.create();
  for (const [name, place] of Object.entries(partials))
    environment.registerPartial(name, await readFile(place, "utf8"));
  return environment.compile<object>(source, {
    strict: true,
    noEscape: kind === "text",
    knownHelpersOnly: true,
    preventIndent: true,
  });
}
