// Measured calls → Chrome trace events, one call after the other on the lane of the thread that leads the step.
// Format: "Trace Event Format", complete events ("ph": "X"), times in microseconds.
import type { MeasuredCall } from "./profile-step.js";

const PROCESS = 1;
const LEADER = 0;

export function traceJson(calls: readonly MeasuredCall[], title: string): string {
  const lane = { pid: PROCESS, tid: LEADER };
  const metadata = [
    { name: "process_name", ph: "M", ...lane, args: { name: title } },
    { name: "thread_name", ph: "M", ...lane, args: { name: "thread 0 (waits for the others after each call)" } },
  ];
  let start = 0;
  const events = calls.map(({ kernel, layer, pass, milliseconds, multiplyAdds, bytes }) => {
    const event = {
      name: kernel,
      cat: pass,
      ph: "X",
      ts: start,
      dur: milliseconds * 1000,
      ...lane,
      args: { layer, pass, multiplyAdds, bytes },
    };
    start += event.dur;
    return event;
  });
  return JSON.stringify({ displayTimeUnit: "ms", traceEvents: [...metadata, ...events] }) + "\n";
}
