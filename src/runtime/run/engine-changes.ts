// The log of a run that goes on, and what computes it from here on → what of it is no longer the same: no two engines, and
// not always two versions of one, round alike.
import type { StartEvent, TrainingEvent } from "../training/training-events.js";

/** An event's own fields. */
export type Computation = Pick<StartEvent, "engine"> & {
  readonly versions: Pick<StartEvent["versions"], "netc" | "engine">;
};

/** A sentence each: "engine: cpu tfjs 4.22.0 in the run, wasm 1 now: …". `step` is that of the checkpoint to go on from. */
export function engineChanges(past: readonly TrainingEvent[], step: number, now: Computation): string[] {
  // What was begun at the checkpoint itself came after it
  const before = past.findLast(
    (event): event is StartEvent => (event.event === "start" || event.event === "resume") && event.step < step,
  );
  if (before === undefined) return [];
  const changes: string[] = [];
  const [was, is] = [before, now].map(({ engine, versions }) => `${engine} ${versions.engine}`);
  if (was !== is) {
    const verb = before.engine === now.engine ? "may differ" : "differ";
    changes.push(`engine: ${was} in the run, ${is} now: the last bits ${verb} from an uninterrupted run's`);
  }
  if (before.versions.netc !== now.versions.netc) {
    changes.push(
      `netc: ${before.versions.netc} in the run, ${now.versions.netc} now: ` +
        "the last bits may differ from an uninterrupted run's",
    );
  }
  return changes;
}
