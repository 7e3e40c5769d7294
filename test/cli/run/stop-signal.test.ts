import { afterEach, describe, expect, it } from "vitest";
import type { StopCause, StopSignal } from "../../../src/cli/run/stop-signal.js";
import { outlivesItsTerminal, stopSignal } from "../../../src/cli/run/stop-signal.js";

describe("stopSignal", () => {
  let stop: StopSignal | undefined;
  afterEach(() => stop?.release());

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("asks a run to end at %s", (name) => {
    const causes: StopCause[] = [];
    stop = stopSignal((cause) => causes.push(cause));
    process.emit(name, name);
    expect(stop.signal.aborted).toBe(true);
    expect(causes).toEqual([name]);
  });

  it("takes no number of SIGHUPs for the wish to end at once, nor one after SIGTERM", () => {
    const causes: StopCause[] = [];
    stop = stopSignal((cause) => causes.push(cause));
    for (const name of ["SIGTERM", "SIGHUP", "SIGHUP", "SIGHUP"] as const) process.emit(name, name);
    expect(causes).toEqual(["SIGTERM"]);
  });

  it("leaves SIGHUP to a terminal that nohup has let go", () => {
    expect(outlivesItsTerminal({ _: "/usr/bin/nohup" })).toBe(true);
    expect(outlivesItsTerminal({ _: "/usr/bin/node" })).toBe(false);
    expect(outlivesItsTerminal({})).toBe(false);
  });
});
