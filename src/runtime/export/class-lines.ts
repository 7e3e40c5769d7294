// Names of classes → a text with a line each, whatever they are made of.

/**
 * Line ends, other control characters and backslashes are written as in JSON's strings, "\n" and "\u2028": read a line by
 * `JSON.parse('"' + line.replaceAll('"', '\\"') + '"')`.
 */
export function classLines(names: readonly string[]): string {
  return names.map((name) => `${name.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\\]/gu, escaped)}\n`).join("");
}

function escaped(character: string): string {
  const inJson = JSON.stringify(character).slice(1, -1);
  return inJson === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}` : inJson;
}
