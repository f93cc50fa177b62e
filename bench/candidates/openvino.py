"""OpenVINO on the same ONNX file: python openvino.py TASK, prints JSON."""

import json
import sys

from timing import report

task = json.loads(sys.argv[1])
sys.path.pop(0)  # this file has the name of the package

import numpy  # noqa: E402
import openvino  # noqa: E402


core = openvino.Core()
model = core.read_model(f"{task['models']}/resnet{task['layers']}.onnx")
model.reshape({0: [task["batch"], 3, 224, 224]})
precision = {"float32": openvino.Type.f32, "bfloat16": openvino.Type.bf16}[task["dtype"]]
hints = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
compiled = core.compile_model(model, "CPU", hints)
request = compiled.create_infer_request()
x = numpy.random.default_rng(1).standard_normal((task["batch"], 3, 224, 224), numpy.float32)
report(task, lambda: request.infer([x]))
