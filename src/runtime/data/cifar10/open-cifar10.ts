// CIFAR-10 as a data set in memory: from a copy that the user names, or from the cache, fetched on first use.
import { existsSync } from "node:fs";
import type { Dataset } from "../dataset.js";
import type { FetchOptions } from "./fetch-cifar10.js";
import { cachedCifar10, fetchCifar10 } from "./fetch-cifar10.js";
import { readCifar10 } from "./read-cifar10.js";
import { UserError } from "../../process/user-error.js";

export interface OpenCifar10Options extends FetchOptions {
  /** An official folder or tar.gz; null uses the cache. */
  readonly path: string | null;
}

/**
 * Works without a network once the cache is filled. A cached copy with a file missing, or one whose md5 is not the official one,
 * is fetched anew. Throws a UserError with the way on.
 */
export async function openCifar10({ path, ...options }: OpenCifar10Options): Promise<Dataset> {
  if (path !== null) return readCifar10(path, options.source);
  let fault: UserError;
  try {
    return await readCifar10(cachedCifar10(), options.source, { isChecked: true });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    fault = error;
  }
  const { folder } = await fetchCifar10(options).catch((error: unknown) => {
    throw error instanceof UserError && existsSync(cachedCifar10()) ? damaged(fault, error) : error;
  });
  return readCifar10(folder, options.source);
}

/** Without this, whoever has a copy would only hear that it could not be fetched. */
function damaged(fault: UserError, error: UserError): UserError {
  const [reason] = fault.message.split("; ");
  return new UserError(`the copy in the cache is damaged (${reason}) and could not be replaced: ${error.message}`);
}
