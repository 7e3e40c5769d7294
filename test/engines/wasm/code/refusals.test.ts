// Machines on which machine code is not to be had: WebAssembly does everything, and `netc doctor` says why in a sentence.
import { execFileSync } from "node:child_process";
import { release } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { machineHere, NoExecutableMemory } from "../../../../src/runtime/engines/wasm/code/executable-memory.js";
import { netc } from "../../../support/netc.js";
import { temporaryFolder } from "../../../support/temporary-folder.js";
import { executable } from "./code-memory.js";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const smoke = join(root, "configs/smoke.yaml");
const moduleOf = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`;

/** Node's options under which `import "koffi"` does what the body of a resolving hook says. */
function withKoffi(body: string): string {
  const hook = moduleOf(`export async function resolve(name, context, next) {
    if (name === "koffi" && !context.parentURL?.startsWith("data:")) { ${body} }
    return next(name, context);
  }`);
  return `--import=${moduleOf(`import { register } from "node:module"; register(${JSON.stringify(hook)});`)}`;
}

const missing = withKoffi(
  `throw Object.assign(new Error("Cannot find package 'koffi'"), { code: "ERR_MODULE_NOT_FOUND" });`,
);
/** A system that answers mprotect with EACCES, as one that wants no memory to become executable. */
const refusing = withKoffi(
  `return { shortCircuit: true, format: "module", url: ${JSON.stringify(
    moduleOf(`import { createRequire } from "node:module";
    const koffi = createRequire(${JSON.stringify(join(root, "package.json"))})("koffi");
    const load = (name) => {
      const library = koffi.load(name);
      return { func: (text) => (text.includes("mprotect") ? () => -1 : library.func(text)) };
    };
    export default Object.assign(Object.create(koffi), { load, errno: () => 13 });`),
  )} };`,
);
const permission = process.allowedNodeEnvironmentFlags.has("--permission")
  ? "--permission"
  : "--experimental-permission";
const permitted = [permission, "--allow-fs-read=*", "--allow-fs-write=*", "--allow-worker", "--no-warnings"].join(" ");

const refusals: readonly (readonly [where: string, environment: Readonly<Record<string, string>>, reason: string])[] = [
  ["it is turned off", { NETC_CODE: "off" }, "NETC_CODE is off"],
  ["koffi is missing", { NODE_OPTIONS: missing }, "koffi is not installed"],
  [
    "the system lets no memory become executable",
    { NODE_OPTIONS: refusing },
    "the system refuses executable memory (mprotect: errno 13)",
  ],
  [
    "Node's permission model allows no addons",
    { NODE_OPTIONS: permitted },
    "koffi, which calls native libraries, may not be loaded: Node's permission model needs `--allow-addons` for it",
  ],
];

describe.runIf(executable !== undefined)("without machine code, since", () => {
  it.each(refusals)("%s, netc doctor says so and a run trains in WebAssembly", async (_, environment, reason) => {
    const doctor = await netc(["doctor"], { environment });
    expect(doctor.errors).toBe("");
    expect(doctor.exitCode).toBe(0);
    const line = doctor.output.split("\n").find((one) => one.includes("machine code  "))!;
    expect(line).toMatch(/^- {3}machine code +/);
    expect(line).toContain(`  ${reason}; the wasm engine's kernels are all WebAssembly, slower`);

    const folder = await temporaryFolder();
    const run = await netc(["run", smoke, "--out", "run", "--max-steps", "2"], { folder, environment });
    expect(run.errors).toBe("");
    expect(run.exitCode).toBe(0);
    expect(run.output).toContain(`without machine code (${reason})`);
  });
});

// V8's own code, too, could not be made any more: hence a process of its own, which compiles nothing
const [major = 0, minor = 0] = release().split(".").map(Number);
it.runIf(executable !== undefined && (major > 6 || (major === 6 && minor >= 3)))(
  "has a sentence for memory that Linux denies to be executable (PR_SET_MDWE)",
  () => {
    const built = (name: string): string => JSON.stringify(join(root, "dist/runtime/engines", name));
    const script = `
      import { loadKoffi } from ${built("native/load-koffi.js")};
      import { ExecutableMemory, NoExecutableMemory } from ${built("wasm/code/executable-memory.js")};
      const koffi = await loadKoffi();
      const memory = new ExecutableMemory(koffi);
      const prctl = koffi.load("libc.so.6").func("int prctl(int, long, long, long, long)");
      const denied = prctl(65, 1, 0, 0, 0);
      try {
        memory.make(Uint8Array.of(0xc3));
      } catch (error) {
        console.log(denied, error instanceof NoExecutableMemory, error.message);
      }
    `;
    const printed = execFileSync(
      process.execPath,
      ["--jitless", "--no-warnings", "--input-type=module", "-e", script],
      {
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    expect(String(printed)).toBe("0 true the system refuses executable memory (mprotect: errno 13)\n");
  },
);

it("names processors and systems on which nobody has tried it", () => {
  expect(() => machineHere("arm64", "linux")).toThrow(new NoExecutableMemory("there is none for arm64 on linux yet"));
  expect(() => machineHere("x64", "win32")).toThrow("there is none for x64 on win32 yet");
  expect(machineHere("x64", "linux").convention.operands).toHaveLength(6);
});
