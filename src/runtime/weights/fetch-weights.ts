// An https address and the SHA-256 of what is there → a file in netc's cache, fetched once. It lies under its digest, so that
// nothing of the address reaches a path; what was fetched of it so far stays, and fetching goes on from there.
import { open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { OnDataProgress } from "../data/progress.js";
import { cacheFolder, makeInCache } from "../files/cache-folder.js";
import { ifThere } from "../files/if-there.js";
import { withLock } from "../files/with-lock.js";
import { systemFault } from "../process/system-faults.js";
import { UserError } from "../process/user-error.js";
import { sha256OfFile } from "./digest-of-file.js";

export interface FetchWeightsOptions {
  readonly onProgress?: OnDataProgress;
  readonly signal?: AbortSignal | undefined;
  /** The web; another in tests. */
  readonly request?: (address: string, init: RequestInit) => Promise<Response>;
}

/** Where a file of that digest is, or will be. */
export function cachedWeights(sha256: string): string {
  return join(cacheFolder(), "weights", sha256);
}

export async function hasCachedWeights(sha256: string): Promise<boolean> {
  return (await ifThere(cachedWeights(sha256), stat(cachedWeights(sha256))))?.isFile() ?? false;
}

/** The file's path. @throws UserError where it cannot be had, or is another than the digest says. */
export async function fetchWeights(
  address: string,
  sha256: string,
  options: FetchWeightsOptions = {},
): Promise<string> {
  const path = cachedWeights(sha256);
  const { onProgress = () => {}, signal } = options;
  await makeInCache(join(path, ".."));
  const onWait = (): void =>
    onProgress({
      doing: "waiting for another process, which is fetching the weights",
      done: 0,
      total: 0,
      unit: "parts",
    });
  return await withLock(
    `${path}.lock`,
    async () => {
      if (await hasCachedWeights(sha256)) return path;
      const part = `${path}.part`;
      await download(address, part, { ...options, onProgress });
      const found = await sha256OfFile(part);
      if (found !== sha256) {
        await rm(part, { force: true });
        throw new UserError(
          `what is at ${address} has the SHA-256 ${found}, expected ${sha256}; check both, and fetch it again where they are right`,
        );
      }
      await rename(part, path);
      return path;
    },
    { onWait, ...(signal && { signal }) },
  );
}

type Downloading = FetchWeightsOptions & { readonly onProgress: OnDataProgress };

const PARTIAL_CONTENT = 206;
const RANGE_NOT_SATISFIABLE = 416;

async function download(
  address: string,
  part: string,
  { onProgress, signal, request = fetch }: Downloading,
): Promise<void> {
  const there = (await ifThere(part, stat(part)))?.size ?? 0;
  let response: Response;
  try {
    response = await request(address, {
      headers: there > 0 ? { range: `bytes=${there}-` } : {},
      signal: signal ?? null,
    });
  } catch (error) {
    throw failure(address, error, signal);
  }
  if (response.status === RANGE_NOT_SATISFIABLE) return; // all of it is there already
  if (!response.ok || !response.body) {
    throw new UserError(
      `${address} cannot be fetched: the server answers ${response.status} ${response.statusText}`.trim(),
    );
  }
  if (response.url && !response.url.startsWith("https:")) {
    throw new UserError(`${address} leads to ${response.url}, which is not https; name the address that it is to be`);
  }
  const goesOn = response.status === PARTIAL_CONTENT;
  let done = goesOn ? there : 0;
  const total = done + Number(response.headers.get("content-length") ?? 0);
  const file = await open(part, goesOn ? "a" : "w");
  try {
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
      await file.writeFile(piece);
      done += piece.length;
      onProgress({ doing: "fetching the weights", done, total: Math.max(total, done), unit: "bytes" });
    }
    await file.sync();
  } catch (error) {
    throw failure(address, error, signal);
  } finally {
    await file.close();
  }
}

function failure(address: string, error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return error;
  const { code, cause } = error as NodeJS.ErrnoException;
  const disk = systemFault(error);
  if (disk !== undefined && code !== undefined) {
    return new UserError(
      `the weights cannot be kept in ${cacheFolder()}: ${disk}; set NETC_CACHE to a folder that can be written`,
    );
  }
  const reason = (cause as Error | undefined)?.message ?? (error as Error).message;
  return new UserError(
    `${address} cannot be fetched (${reason}); what has arrived is kept, so try again, or name a file that you have in \`train.start.weights\``,
  );
}
