// What `netc watch` shows: one run, or all under a folder, of which the one that was logged to last comes first.
import { basename } from "node:path";
import { stat } from "node:fs/promises";
import type { RunRecord } from "../../runtime/run/read-run.js";
import { readRun } from "../../runtime/run/read-run.js";
import type { RunFolder } from "../../runtime/run/run-folder.js";
import { foldersIn, holdsRun } from "../../runtime/run/run-folder.js";
import { UserError } from "../../runtime/process/user-error.js";

export interface WatchedRuns {
  /** The newest first. */
  list(): Promise<readonly RunFolder[]>;
}

export function oneRun(folder: RunFolder): WatchedRuns {
  return { list: async () => [folder] };
}

export function allRunsUnder(parent: string): WatchedRuns {
  return {
    list: async () => {
      const found: { readonly folder: RunFolder; readonly logged: number }[] = [];
      for (const folder of await foldersIn(parent)) {
        if (await holdsRun(folder)) found.push({ folder, logged: (await loggedAt(folder)) ?? 0 });
      }
      return found.toSorted((one, other) => other.logged - one.logged).map(({ folder }) => folder);
    },
  };
}

/** Reads each run once for as long as it stays as it is: a folder may hold hundreds that were finished long ago. */
export class RunReader {
  readonly #known = new Map<string, { readonly version: string; readonly run: RunRecord }>();

  async read(folder: RunFolder): Promise<RunRecord> {
    const version = await versionOf(folder);
    const known = this.#known.get(folder.path);
    if (known?.version === version) return known.run;
    const run = await readRun(folder);
    this.#known.set(folder.path, { version, run });
    return run;
  }

  /** Undefined where it cannot be read, for a list of others. */
  async readIfPossible(folder: RunFolder): Promise<RunRecord | undefined> {
    try {
      return await this.read(folder);
    } catch (error) {
      if (error instanceof UserError) return undefined;
      throw error;
    }
  }
}

/** Changes whenever the run has logged something, or has begun or ended. */
export async function versionOf({ events, path }: RunFolder): Promise<string> {
  const [log, folder] = await Promise.all([stat(events).catch(() => null), stat(path).catch(() => null)]);
  return `${log?.size} ${log?.mtimeMs} ${folder?.mtimeMs}`;
}

/** The place of a run's page. */
export function pageOf({ path }: RunFolder): string {
  return `/run/${encodeURIComponent(basename(path))}`;
}

async function loggedAt({ events }: RunFolder): Promise<number | undefined> {
  return (await stat(events).catch(() => null))?.mtimeMs;
}
