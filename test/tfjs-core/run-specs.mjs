// Runs tfjs-core's specs on netc's binding of tfjs-node over a TensorFlow library, less those that tfjs-node itself leaves out,
// and prints the counts. Argument: the bundle of specs. Ends with 1 where one fails that need not, and with 3 where only such
// fail as look at numbers drawn by chance.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { openContext } from "../../dist/runtime/engines/tensorflow/context.js";
import { findTensorflow } from "../../dist/runtime/engines/tensorflow/find-library.js";
import { loadTensorflow } from "../../dist/runtime/engines/tensorflow/library.js";
import { findTfjsNode, loadTfjsNode } from "../../dist/runtime/engines/tfjs-node/load-tfjs-node.js";

const [bundle] = process.argv.slice(2);
/** TensorFlow's kernel lacks it: tfjs-node's own addon fails it too. */
const FAILS_ANYWHERE = /^round .* int32$/;
const BY_CHANCE = /random|multinomial|dropout|truncatedNormal/i;
const require = createRequire(bundle);
const Jasmine = require("jasmine");

const search = findTensorflow();
const tfjsNode = findTfjsNode();
if ("missing" in search || !tfjsNode) throw new Error("NETC_TENSORFLOW and NETC_TFJS_NODE must lead to their packages");
const context = openContext(await loadTensorflow(search.library), { threads: 2, device: { kind: "cpu" } });
const { tf } = loadTfjsNode(tfjsNode, context);
tf.core.env().set("PROD", false); // the specs expect the checks that production mode leaves out

const runner = new Jasmine();
runner.loadConfig({ spec_files: [], random: false });
globalThis.testEnvironment = { name: "test-tensorflow", backendName: "tensorflow", flags: {}, isDataSync: true };
require(bundle);

const left = leftOutByTfjsNode(); // by names that begin with what they test and the environment
jasmine.getEnv().configure({ specFilter: (spec) => !left.some((name) => spec.getFullName().includes(name)) });
const counts = { passed: 0, failed: 0, pending: 0, excluded: 0 };
const unexpected = [];
runner.clearReporters();
runner.addReporter({
  specDone({ status, fullName, failedExpectations }) {
    counts[status]++;
    if (status !== "failed") return;
    if (!FAILS_ANYWHERE.test(fullName)) unexpected.push(fullName);
    process.stdout.write(`failed: ${fullName}: ${firstLine(failedExpectations[0]?.message)}\n`);
  },
});
runner.exitOnCompletion = false; // its exit code counts the spec that may fail
await runner.execute();
process.stdout.write(`tfjs-core's specs on ${tfjsNode.version} over TensorFlow ${context.version}: `);
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.excluded} left out by tfjs-node\n`);
const byChance = unexpected.every((name) => BY_CHANCE.test(name));
process.exitCode = counts.passed === 0 || !byChance ? 1 : unexpected.length > 0 ? 3 : 0;

/** The list in tfjs-node's own run_tests.js. */
function leftOutByTfjsNode() {
  const text = readFileSync(join(tfjsNode.folder, "dist/run_tests.js"), "utf8");
  const [, list] = /var IGNORE_LIST = (\[[\s\S]*?\n\]);/.exec(text);
  return new Function(`return ${list}`)();
}

function firstLine(text = "") {
  return text.split("\n")[0].slice(0, 160);
}
