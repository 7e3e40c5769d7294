// JSON text → its value, where every name stands once: JavaScript's own parser takes the last of several, others the first.

/** @throws SyntaxError where the bytes are no UTF-8, no JSON, or an object names something twice. */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SyntaxError("not UTF-8");
  }
  const value: unknown = JSON.parse(text);
  refuseDuplicates(text);
  return value;
}

/** The text is known to be JSON: a string is a name where a colon follows it. */
function refuseDuplicates(text: string): void {
  const open: Set<string>[] = [];
  for (const [token, name] of text.matchAll(/[{}]|("(?:[^"\\]|\\.)*")(?=\s*:)|"(?:[^"\\]|\\.)*"/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (name !== undefined) {
      const key = JSON.parse(name) as string;
      const names = open.at(-1)!;
      if (names.has(key)) throw new SyntaxError(`${name} stands twice`);
      names.add(key);
    }
  }
}

/** Undefined where the text is no JSON. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An integer from 0 on that a double holds exactly. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
