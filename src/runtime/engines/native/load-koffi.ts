// The one place where koffi, which calls C libraries, is loaded: an optional dependency, and only when an engine needs it.
import { UserError } from "../../process/user-error.js";

export type Koffi = typeof import("koffi");

/** Libraries run kernels on the calling thread, some with large buffers on its stack. */
const STACK_BYTES = 16 * 1024 * 1024;

export const koffiRemedy = "run `npm install --no-save koffi@3.3.4` in netc's folder";

let loading: Promise<Koffi> | undefined;

/** @throws UserError where koffi is not installed or has no build for this platform. */
export function loadKoffi(): Promise<Koffi> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Koffi> {
  let koffi: Koffi;
  try {
    const module = (await import("koffi")) as unknown as { default: Koffi };
    koffi = module.default;
  } catch (error) {
    const [reason = ""] = (error as Error).message.split("\n");
    if (/loading addons is disabled/.test(reason)) {
      throw new UserError(
        "koffi, which calls native libraries, may not be loaded: Node's permission model needs `--allow-addons` for it",
      );
    }
    throw new UserError(`koffi, which calls native libraries, cannot be loaded (${reason}); ${koffiRemedy}`);
  }
  koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES }); // before the first library is loaded
  return koffi;
}

/** Whether koffi is installed, without loading it. */
export function hasKoffi(): boolean {
  try {
    import.meta.resolve("koffi");
    return true;
  } catch {
    return false;
  }
}
