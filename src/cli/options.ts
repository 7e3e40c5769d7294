// What several commands share in reading their options.

/** For an option that may be given several times. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** Colour on a terminal only; NO_COLOR and FORCE_COLOR (no-color.org, force-color.org) decide otherwise. */
export function usesColor(stream: { readonly isTTY?: boolean }): boolean {
  const { NO_COLOR: never, FORCE_COLOR: always, TERM: terminal } = process.env;
  if (never) return false;
  if (always) return always !== "0" && always !== "false";
  return Boolean(stream.isTTY) && terminal !== "dumb";
}
