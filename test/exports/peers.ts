// The programs that exports are opened with, where scripts/test-exports.mjs put them.
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Where they are. */
export const peersFolder =
  process.env["NETC_EXPORTS_PEERS"] ?? fileURLToPath(new URL("../../.cache/exports", import.meta.url));

/** Python with PyTorch. */
export const torchPython = `${peersFolder}/torch/bin/python`;
/** Python with ONNX, ONNX Runtime, ruff, mypy and Kubeflow's models. */
export const toolsPython = `${peersFolder}/tools/bin/python`;
export const tool = (name: "ruff" | "mypy"): string => `${peersFolder}/tools/bin/${name}`;
export const chromium = process.env["NETC_CHROMIUM"] ?? "/usr/bin/chromium";

/** A package of Node's that is no dependency of netc. */
export function peerPackage<Package>(name: string): Package {
  return createRequire(`${peersFolder}/package.json`)(name) as Package;
}

export interface Finished {
  readonly exitCode: number;
  readonly output: string;
}

/** Runs a program to its end; standard output and errors together. */
export async function execute(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly seconds?: number } = {},
): Promise<Finished> {
  const environment = { ...process.env, OMP_NUM_THREADS: "1", PYTHONDONTWRITEBYTECODE: "1" };
  // A virtual machine's guess of its processor that some libraries take literally
  delete (environment as Record<string, string | undefined>)["OPENBLAS_CORETYPE"];
  try {
    const { stdout, stderr } = await promisify(execFile)(program, [...args], {
      cwd: options.cwd,
      env: environment,
      timeout: (options.seconds ?? 500) * 1000,
      killSignal: "SIGKILL",
      maxBuffer: 64e6,
    });
    return { exitCode: 0, output: stdout + stderr };
  } catch (error) {
    const {
      code,
      stdout = "",
      stderr = "",
      message,
    } = error as Error & { code?: number; stdout?: string; stderr?: string };
    return { exitCode: typeof code === "number" ? code : -1, output: stdout + stderr || message };
  }
}
