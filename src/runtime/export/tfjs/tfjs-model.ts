// A run → what a web page needs: model.json and weights.bin, which stock `tf.loadLayersModel` opens, and index.html, a page
// that holds all of it and classifies pictures with no server and no network.
import { isDecodable } from "../../data/images/decode-image.js";
import { tfjsFiles, WEIGHTS_FILE } from "./save-tfjs-model.js";
import type { ExportedFiles, ExportSource } from "../source.js";
import { demoPage } from "./demo-page.js";

/** Pictures have one channel or three: for a network that takes others there is no page. */
export async function tfjsModel({ program, classes, trained }: ExportSource): Promise<ExportedFiles> {
  const { modelJson, weights } = await tfjsFiles(program, trained!.run.checkpoint.state, classes);
  const files = new Map<string, string | readonly Uint8Array[]>([
    ["model.json", modelJson],
    [WEIGHTS_FILE, [weights]],
  ]);
  if (isDecodable(program.config.model.input.channels)) {
    files.set("index.html", await demoPage({ program, classes, modelJson, weights }));
  }
  return files;
}
