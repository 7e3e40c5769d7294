// A word of a command as a shell takes it: as it is where that is safe, else in quotes.
export function shellWord(text: string): string {
  return /^[\w./=:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
