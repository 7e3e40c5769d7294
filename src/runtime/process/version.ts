// The version of netc that runs, as package.json gives it.
import { readFileSync } from "node:fs";

export function netcVersion(): string {
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
