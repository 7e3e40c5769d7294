// The engine "tfjs-node" on the package that NETC_TFJS_NODE names, over the library that NETC_TENSORFLOW names: the suite that
// every engine passes, and what it shares with wasm.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tfjsNodeEngine } from "../../../src/runtime/engines/tfjs-node/engine.js";
import { findTfjsNode, loadTfjsNode } from "../../../src/runtime/engines/tfjs-node/load-tfjs-node.js";
import { openContext } from "../../../src/runtime/engines/tensorflow/context.js";
import { findTensorflow } from "../../../src/runtime/engines/tensorflow/find-library.js";
import { loadTensorflow } from "../../../src/runtime/engines/tensorflow/library.js";
import { describeConformance } from "../conformance.js";
import { netc } from "../../support/netc.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { describeAgreement } from "./agreement.js";
import { unevenRun } from "./uneven-run.js";

describeConformance(tfjsNodeEngine, {
  speed: "fast",
  open: { threads: 2 },
  held: async () => {
    const search = findTensorflow();
    if ("missing" in search) throw new Error(search.missing);
    const context = openContext(await loadTensorflow(search.library), { threads: 2, device: { kind: "cpu" } });
    return loadTfjsNode(findTfjsNode()!, context).tf.core.memory().numTensors;
  },
});

describeAgreement(tfjsNodeEngine, { open: { threads: 2 }, tolerance: 1e-4 });

describe("netc run --engine tfjs-node", () => {
  const run = async (environment: Readonly<Record<string, string>> = {}) => {
    const out = join(await temporaryFolder(), "run");
    return netc(["run", "configs/smoke.yaml", "--engine", "tfjs-node", "--out", out], { environment });
  };

  it("trains, saves the model and ends with exit code 0 and nothing on standard error", async () => {
    const { exitCode, output, errors } = await run();
    expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
    expect(output).toMatch(/engine +tfjs-node tfjs-node 4\.\d+\.\d+ on CPU/);
    expect(output).toMatch(/tf\.js model .*model\.json/);
  });

  it("survives batches that threads do not divide, before a projection with a stride", async () => {
    const { exitCode, errors } = await netc([...unevenRun("tfjs-node"), "--out", join(await temporaryFolder(), "run")]);
    expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
  });

  it("says what adds the package where it is missing", async () => {
    const { exitCode, errors } = await run({ NETC_TFJS_NODE: "/nowhere/at/all" });
    expect(exitCode).toBe(1);
    expect(errors).toMatch(
      /^error: engine tfjs-node is not available: tfjs-node is not installed; run `netc engine add tfjs-node --yes`/,
    );
  });

  it("says what adds a library where neither addon nor library is there", async () => {
    const { exitCode, errors } = await run({ NETC_TENSORFLOW: "/nowhere/at/all" });
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/^error: .* has no addon here, and NETC_TENSORFLOW is .*netc engine add tensorflow --yes/);
  });
});
