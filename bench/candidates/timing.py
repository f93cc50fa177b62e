"""What the Python candidates share: the same measuring as lib/measure.mjs has it, one run after the other."""

import json
import time


def _peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def report(task, run):
    """Times run(), a network that is loaded, and prints the result."""
    since = lambda: time.time() * 1000 - task["spawnedAt"]  # noqa: E731
    ready = since()
    run()
    startup = since()
    peak_at_first = _peak()
    for phase in (task["seconds"] / 4, task["seconds"]):
        times, start = [], time.perf_counter()
        while time.perf_counter() < start + phase:
            before = time.perf_counter()
            run()
            times.append((time.perf_counter() - before) * 1000)
        seconds = time.perf_counter() - start
    times.sort()
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))]  # noqa: E731
    result = {
        "median": at(0.5),
        "p90": at(0.9),
        "p99": at(0.99),
        "imagesPerSecond": len(times) * task["batch"] / seconds,
        "ready": ready,
        "startup": startup,
        "peakAtFirst": peak_at_first,
        "peak": _peak(),
    }
    print("\n" + json.dumps(result))
