import { expect, it, vi } from "vitest";
import { colorsFor } from "../../../src/cli/screen/colors.js";
import { netc } from "../../support/netc.js";

it("leaves pipes without colour even where CI is set", async () => {
  const { output } = await netc(["doctor"], { environment: { CI: "true", TERM: "xterm-256color" } });
  expect(output).toMatch(/^ok {2}node/m);
});

it("colours what goes to a terminal", () => {
  for (const [name, value] of Object.entries({ NO_COLOR: "", FORCE_COLOR: "", TERM: "xterm" })) vi.stubEnv(name, value);
  expect(colorsFor({ isTTY: true }).red("x")).toBe("\u001b[31mx\u001b[39m");
  expect(colorsFor({ isTTY: false }).red("x")).toBe("x");
  vi.unstubAllEnvs();
});
