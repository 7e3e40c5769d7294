// A word of a command, to be pasted, as the user's shell takes it: as it is where that is safe, else in quotes.

/** Quotes for bash and zsh; on Windows those that cmd and PowerShell both take. */
export function shellWord(text: string, platform: NodeJS.Platform = process.platform): string {
  if (platform === "win32") return /^[\w./:@+,\\-]+$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
  if (/^[\w./:@%+,-][\w./=:@%+,-]*$/.test(text)) return text;
  if (!UNSHOWN.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  // In quotes of their own, whose escapes are letters: what a terminal would take for a command to it is not printed
  const escaped = [...text].map((one) => (UNSHOWN.test(one) ? escapeOf(one) : one.replace(/[\\']/, "\\$&")));
  return `$'${escaped.join("")}'`;
}

const UNSHOWN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

function escapeOf(character: string): string {
  if (character === "\n") return "\\n";
  return `\\U${character.codePointAt(0)!.toString(16).padStart(8, "0")}`;
}
