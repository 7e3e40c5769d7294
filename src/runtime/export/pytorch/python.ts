// Values of a configuration → Python, as it stands in the generated files. Names here are netc's own, keys of the language and of
// the network: a user's text reaches config.yaml alone.

/** Numbers, switches, names and null, an item of a map or list a line. */
export function literal(value: unknown, indent = ""): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return typeof value === "number" ? String(value) : JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const items = Object.entries(value!).map(([key, item]) => {
    const name = Array.isArray(value) ? "" : `${quoted(key)}: `;
    return `${indent}    ${name}${literal(item, `${indent}    `)},\n`;
  });
  return items.length === 0 ? open + close : `${open}\n${items.join("")}${indent}${close}`;
}

export function quoted(name: string): string {
  return `"${name}"`;
}

export function dictionary(entries: readonly (readonly [string, string])[]): string {
  return `{${entries.map(([key, value]) => `${quoted(key)}: ${value}`).join(", ")}}`;
}

export function tuple(items: readonly string[]): string {
  return `(${items.join(", ")}${items.length === 1 ? "," : ""})`;
}
