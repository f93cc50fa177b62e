"""OpenVINO on the same ONNX file: python openvino.py TASK, prints JSON."""

import json
import sys
import time

task = json.loads(sys.argv[1])
sys.path.pop(0)  # this file has the name of the package

import numpy  # noqa: E402
import openvino  # noqa: E402


def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


core = openvino.Core()
model = core.read_model(f"{task['models']}/resnet{task['layers']}.onnx")
model.reshape({0: [task["batch"], 3, 224, 224]})
precision = {"float32": openvino.Type.f32, "bfloat16": openvino.Type.bf16}[task["dtype"]]
hints = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
compiled = core.compile_model(model, "CPU", hints)
request = compiled.create_infer_request()
x = numpy.random.default_rng(1).standard_normal((task["batch"], 3, 224, 224), numpy.float32)
ready = time.time() * 1000 - task["spawnedAt"]
request.infer([x])
startup = time.time() * 1000 - task["spawnedAt"]
peak_at_first = peak()
for phase in (task["seconds"] / 4, task["seconds"]):
    times, start = [], time.perf_counter()
    while time.perf_counter() < start + phase:
        before = time.perf_counter()
        request.infer([x])
        times.append((time.perf_counter() - before) * 1000)
    seconds = time.perf_counter() - start
times.sort()


def at(share):
    return times[min(len(times) - 1, int(len(times) * share))]


result = {
    "median": at(0.5),
    "p90": at(0.9),
    "p99": at(0.99),
    "imagesPerSecond": len(times) * task["batch"] / seconds,
    "ready": ready,
    "startup": startup,
    "peakAtFirst": peak_at_first,
    "peak": peak(),
}
print("\n" + json.dumps(result))
