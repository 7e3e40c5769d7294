// The warning that a setting changes nothing where it stands.
import type { Diagnostic, Path } from "../diagnostics/diagnostic.js";

type Related = NonNullable<Diagnostic["related"]>[number];

export function withoutEffect(message: string, path: Path, hint: string, related?: Related): Diagnostic {
  return {
    code: "setting/without-effect",
    severity: "warning",
    message,
    path,
    hint,
    ...(related ? { related: [related] } : {}),
  };
}
