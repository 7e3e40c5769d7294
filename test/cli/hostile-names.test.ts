// Names are data: whatever is in a name, what netc prints of it is text on the line where netc put it.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../src/cli/screen/errors.js";
import { renderReports } from "../../src/compiler/diagnostics/render-diagnostics.js";
import { UserError } from "../../src/runtime/process/user-error.js";
import { netc } from "../support/netc.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const HOSTILE = "\u001b]0;t\u0007\u001b[31mred\u009b2J\u202e\u2028\n::error file=x::injected";
const SHOWN = "\\u001b]0;t\\u0007\\u001b[31mred\\u009b2J\\u202e\\u2028\\n::error file=x::injected";
// oxlint-disable-next-line no-control-regex -- these are what must not come through
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]|^::error file=x/m;

const FILE = `name: "${SHOWN}"
data: { dataset: { synthetic: { train_images: 32, test_images: 16, height: 8, width: 8, classes: 3 } } }
model: { stem: { channels: 4 }, stages: [{ channels: 4, blocks: 1 }] }
train: { epochs: 1, batch_size: 16, learning_rate: 0.01 }
`;

describe("a network's hostile name", () => {
  it("is shown escaped by a run and everything that tells of it", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "n.yaml"), FILE);
    const commands = [
      ["run", "n.yaml", "--no-tune", "--out", "runs/n"],
      ["runs"],
      ["runs", "--format", "json"],
      ["runs", "show", "runs/n"],
      ["evaluate", "runs/n"],
      ["resolve", "n.yaml"],
      ["resolve", "n.yaml", "--origins"],
      ["set", "n.yaml", "seed=3", "--dry-run"],
      ...["text", "json", "svg", "html", "mermaid", "dot"].map((format) => ["graph", "n.yaml", "--format", format]),
    ];
    for (const command of commands) {
      const { exitCode, output, errors } = await netc(command, { folder });
      expect(exitCode, errors).toBe(0);
      expect(output + errors, command.join(" ")).not.toMatch(OBEYED);
      if (command[0] === "run") expect(output.split("\n")[0]).toBe(SHOWN);
    }
  });
});

describe("a hostile name in a fault", () => {
  it.each(["text", "json", "github", "sarif"] as const)("is shown escaped as %s", (format) => {
    const source = { name: `${HOSTILE}.yaml`, text: `a: "${HOSTILE}"` };
    const span = { start: 3, end: 9 };
    const diagnostic = {
      code: "schema/unknown-key",
      severity: "error",
      message: HOSTILE,
      hint: HOSTILE,
      span,
    } as const;
    const text = renderReports([{ source, diagnostics: [diagnostic] }], format, {});
    expect(text).not.toMatch(OBEYED);
    expect(text).toContain("\\u202e");
  });

  it("is shown escaped in a sentence, each of whose lines stays one", () => {
    const { message } = failureOf(new UserError(`no run ${HOSTILE}`, [`  ${HOSTILE}`]));
    expect(message).toBe(`error: no run ${SHOWN}\n  ${SHOWN}`);
    expect(failureOf(Object.assign(new Error("x"), { code: "EACCES", path: HOSTILE })).message).not.toMatch(OBEYED);
    expect(failureOf(new Error(HOSTILE)).message).not.toMatch(OBEYED);
  });
});
