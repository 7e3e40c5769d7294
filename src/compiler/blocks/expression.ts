// Text such as `out / 4` or `groups * 2` → arithmetic over names. Blocks say sizes in it that depend on where they are used.

export interface Expression {
  /** In the order in which they are met, each once. */
  readonly names: readonly string[];
  /** NaN where a name has no value. */
  readonly evaluate: (valueOf: (name: string) => number | undefined) => number;
}

/** The shape of an expression's text, as far as a pattern can say it. */
export const EXPRESSION_PATTERN = "^[A-Za-z0-9_.+*/() -]{1,200}$";

type Evaluate = Expression["evaluate"];

/** Numbers, names, `+ - * /` and parentheses; undefined where the text is none of it. */
export function parseExpression(text: string): Expression | undefined {
  if (!new RegExp(EXPRESSION_PATTERN).test(text)) return undefined;
  const tokens = text.match(/\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+|[A-Za-z_]\w*|[-+*/()]|\S/gi) ?? [];
  const names = new Set<string>();
  let place = 0;

  function sum(): Evaluate | undefined {
    let left = product();
    while (left && (tokens[place] === "+" || tokens[place] === "-")) {
      const sign = tokens[place++] === "+" ? 1 : -1;
      const [first, second] = [left, product()];
      left = second && ((valueOf) => first(valueOf) + sign * second(valueOf));
    }
    return left;
  }

  function product(): Evaluate | undefined {
    let left = factor();
    while (left && (tokens[place] === "*" || tokens[place] === "/")) {
      const divides = tokens[place++] === "/";
      const [first, second] = [left, factor()];
      left = second && ((valueOf) => (divides ? first(valueOf) / second(valueOf) : first(valueOf) * second(valueOf)));
    }
    return left;
  }

  function factor(): Evaluate | undefined {
    const token = tokens[place++];
    if (token === undefined) return undefined;
    if (token === "-") {
      const inner = factor();
      return inner && ((valueOf) => -inner(valueOf));
    }
    if (token === "(") {
      const inner = sum();
      return tokens[place++] === ")" ? inner : undefined;
    }
    if (/^[A-Za-z_]/.test(token)) {
      names.add(token);
      return (valueOf) => valueOf(token) ?? Number.NaN;
    }
    const value = Number(token);
    return Number.isFinite(value) ? () => value : undefined;
  }

  const evaluate = sum();
  return evaluate && place === tokens.length ? { names: [...names], evaluate } : undefined;
}
