# One side of a comparison, within its own process: see side-protocol.mjs, whose Python form this is.
import json
import resource
import sys
import time


def resident_bytes(field):
    """VmRSS or VmHWM of this process; Linux's ru_maxrss may include the parent's."""
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def serve(step, warmup, baseline, ready):
    """Warms up, then times slices of `step()` as they are asked for."""
    for _ in range(warmup):
        step()
    say({"ready": ready})
    for line in sys.stdin:
        words = line.split()
        if words[0] != "slice":
            break
        step()  # not timed, as on the other sides
        seconds = []
        for _ in range(int(words[1])):
            start = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - start)
        say({"slice": seconds})
    peak = resident_bytes("VmHWM")
    say({"end": {"peakBytes": peak, "growthBytes": peak - baseline}})


def say(message):
    print(json.dumps(message), flush=True)
