// Characters that look like one that YAML reads and are another: pasted from a web page, written by a word processor or another
// keyboard. YAML takes each for a letter, so that a key goes on through it, or a number becomes a text.
import type { Span } from "../../diagnostics/diagnostic.js";

export interface LookAlike {
  readonly message: string;
  readonly hint: string;
  readonly span: Span;
}

interface Kind {
  readonly characters: string;
  readonly name: string;
  /** What was meant; "" where it is to go. */
  readonly meant: string;
}

const KINDS: readonly Kind[] = [
  { characters: "\u00a0\u2007\u202f", name: "a no-break space", meant: " " },
  {
    characters: "\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028\u2029\u205f\u3000",
    name: "a space that is not the keyboard's",
    meant: " ",
  },
  {
    characters:
      "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff",
    name: "a character that cannot be seen",
    meant: "",
  },
  { characters: "\uff5b", name: "a bracket of another alphabet", meant: "{" },
  { characters: "\uff5d", name: "a bracket of another alphabet", meant: "}" },
  { characters: "\uff3b\u3010", name: "a bracket of another alphabet", meant: "[" },
  { characters: "\uff3d\u3011", name: "a bracket of another alphabet", meant: "]" },
  { characters: "\uff03", name: "a number sign of another alphabet", meant: "#" },
  { characters: "\uff1a\ufe55\ua789\u2236", name: "a colon of another alphabet", meant: ":" },
  { characters: "\uff0c\u3001\ufe50", name: "a comma of another alphabet", meant: "," },
  {
    characters: "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d",
    name: "a dash that is not the keyboard's",
    meant: "-",
  },
  { characters: "\u201c\u201d\u201e\uff02", name: "a quote that is not the keyboard's", meant: '"' },
  { characters: "\u2018\u2019\u201a\uff07", name: "a quote that is not the keyboard's", meant: "'" },
];
const ANY = new RegExp(`[${KINDS.map(({ characters }) => characters).join("")}]`);
const EVERY = new RegExp(ANY, "g");

/** The first look-alike in that part of a text outside quotes and comments. */
export function lookAlikeIn(text: string, { start, end }: Span): LookAlike | undefined {
  const part = text.slice(start, end);
  if (!ANY.test(part)) return undefined;
  // As many characters in place of what is quoted or a comment
  const bare = part.replace(/"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|(?:^|\s)#.*$/gm, (quoted) => " ".repeat(quoted.length));
  const at = bare.search(ANY);
  if (at === -1) return undefined;
  const { name, meant } = kindOf(bare[at]!);
  const code = bare.charCodeAt(at).toString(16).toUpperCase().padStart(4, "0");
  const replacement = meant === " " ? "a plain space" : `\`${meant}\``;
  return {
    message: `${name} (U+${code}) stands here, which YAML takes for a letter`,
    hint: meant === "" ? "remove it" : `write ${replacement} in its place`,
    span: { start: start + at, end: start + at + 1 },
  };
}

/** The text as it was meant, without spaces around it. */
export function plainCharacters(text: string): string {
  return text
    .replace(EVERY, (character) => kindOf(character).meant)
    .normalize("NFKC")
    .trim();
}

function kindOf(character: string): Kind {
  return KINDS.find(({ characters }) => characters.includes(character))!;
}
