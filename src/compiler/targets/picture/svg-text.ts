// What the pictures of networks and the charts of reports write their SVG with.

export function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}

/** Tenths of a pixel: more digits only lengthen the file. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
