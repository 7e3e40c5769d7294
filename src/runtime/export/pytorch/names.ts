// A file's name, which may be any text, → names that are safe where they stand: a Python class, a Kubernetes object.

/** "resnet-20" → "Resnet20": letters, digits and underscores of ASCII, beginning with a letter. */
export function className(name: string): string {
  const words = name.normalize("NFKD").match(/[A-Za-z0-9]+/g) ?? [];
  const joined = words
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join("")
    .slice(0, LONGEST_NAME);
  return /^[A-Za-z]/.test(joined) && !TAKEN.has(joined) ? joined : `Network${joined}`;
}

/** Words of Python's own, and names that the generated files import. */
const TAKEN: ReadonlySet<string> = new Set([
  "F",
  "DropPath",
  "False",
  "LayerNorm2d",
  "LearnedScale",
  "None",
  "OrderedDict",
  "PaddedConv2d",
  "ShiftNorm",
  "Subsample",
  "Tensor",
  "True",
]);

/** A DNS label (RFC 1123): lower-case letters, digits and hyphens, beginning with a letter. */
export function dnsLabel(name: string): string {
  const words =
    name
      .normalize("NFKD")
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? [];
  const joined = words.join("-").slice(0, LONGEST_NAME).replace(/-+$/, "");
  return /^[a-z]/.test(joined) ? joined : `network${joined && `-${joined}`}`;
}

/** Room for what Kubernetes adds to a name of at most 63 characters. */
const LONGEST_NAME = 40;

/** Text on one line of a Markdown document, with nothing in it that Markdown or HTML would act on. */
export function markdownText(text: string): string {
  const oneLine = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return oneLine.replaceAll(/[\\`*_{}[\]#|<>&~:@]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
