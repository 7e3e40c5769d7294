// Two texts compared line by line, as `netc set --dry-run` and `netc diff` show it.

const CONTEXT = 2;

/** Lines that changed with two around them, marked `-`, `+` or blank, hunks set apart by `…`; empty where none changed. */
export function lineDiff(before: string, after: string): string[] {
  const lines = compare(before.split("\n"), after.split("\n"));
  const isNear = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ mark }) => mark !== " "),
  );
  return lines.flatMap(({ mark, text }, index) => {
    if (!isNear[index]) return [];
    const gap = index > 0 && !isNear[index - 1] && isNear.slice(0, index).includes(true) ? ["…"] : [];
    return [...gap, `${mark} ${text.replace(/\r$/, "")}`.trimEnd()];
  });
}

interface Line {
  readonly mark: " " | "-" | "+";
  readonly text: string;
}

/** By the longest common subsequence of what lies between a common start and a common end. */
function compare(before: readonly string[], after: readonly string[]): Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const limit = Math.min(before.length, after.length) - start;
  while (end < limit && before.at(-1 - end) === after.at(-1 - end)) end++;
  const same = (texts: readonly string[]) => texts.map((text): Line => ({ mark: " ", text }));
  return [
    ...same(before.slice(0, start)),
    ...compareMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(before.slice(before.length - end)),
  ];
}

function compareMiddle(before: readonly string[], after: readonly string[]): Line[] {
  // common[i][j]: how many lines before[i..] and after[j..] share, in order
  const common = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      common[i]![j] =
        before[i] === after[j] ? 1 + common[i + 1]![j + 1]! : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && before[i] === after[j]) {
      lines.push({ mark: " ", text: before[i]! });
      i++;
      j++;
    } else if (j === after.length || (i < before.length && common[i + 1]![j]! >= common[i]![j + 1]!)) {
      lines.push({ mark: "-", text: before[i++]! });
    } else {
      lines.push({ mark: "+", text: after[j++]! });
    }
  }
  return lines;
}
