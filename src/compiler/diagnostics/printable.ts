// Text of the user's (names, classes, paths, values) → what may be printed of it: one line that shows every character which a
// terminal, a CI log or a browser would obey, or hide, as an escape. What netc prints of anything that it was given goes through here.

/** Control characters, line and paragraph separators, invisible ones, those that turn the direction of writing, half a pair. */
const UNPRINTABLE =
  /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]|\p{Cs}/gu;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** "two\nlines" → "two\\nlines", "\u001b[31m" → "\\u001b[31m" */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, escapeOf);
}

const LONGEST_WORD = 1000; // characters

/** A sentence with names and values in it: of what is longer than people read, the middle is left out. */
export function printableSentence(text: string): string {
  const half = LONGEST_WORD / 2;
  return printable(text).replaceAll(/\S+/g, (word) =>
    word.length <= LONGEST_WORD ? word : `${word.slice(0, half)}…${word.slice(1 - half)}`,
  );
}

/** Text of several lines that are netc's own, such as markup or a document of JSON: their ends and indents stay. */
export function printableDocument(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) => (/[\n\t]/.test(character) ? character : escapeOf(character)));
}

/** In UTF-16 units, as JSON and JavaScript have them. */
function escapeOf(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return SHORT[character] ?? units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
