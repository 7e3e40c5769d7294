/**
 * The module that a thread or a process of its own begins with, named by its place under `src/` without extension. It has to be
 * built, since tests run from `src/`; `scripts/bundle-cli.mjs` puts another expression here, where the bundle has it.
 */
export function builtModule(place: string): URL {
  return new URL(`../../../dist/${place}.js`, import.meta.url);
}
