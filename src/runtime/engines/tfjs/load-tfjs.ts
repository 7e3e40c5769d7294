// The one place where TensorFlow.js is loaded: lazily, on its `cpu` backend, and without the banner it prints.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Tfjs } from "../../../compiler/targets/tfjs.js";

let loading: Promise<Tfjs> | undefined;

export function loadTfjs(): Promise<Tfjs> {
  loading ??= load();
  return loading;
}

/** Version of the installed tfjs-core, "4.22.0", read without loading it. */
export function tfjsVersion(): string {
  const manifest = createRequire(import.meta.url).resolve("@tensorflow/tfjs-core/package.json");
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

async function load(): Promise<Tfjs> {
  const core = await import("@tensorflow/tfjs-core");
  // Production mode leaves out the advice to install another backend, and checks that netc's compiler has made already.
  core.enableProdMode();
  const layers = await import("@tensorflow/tfjs-layers");
  await import("@tensorflow/tfjs-backend-cpu");
  await core.setBackend("cpu");
  await core.ready();
  return { core, layers };
}
