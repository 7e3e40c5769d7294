# OpenVINO's side of a comparison: inference of an ONNX model on one batch that lies ready in memory.
# The one argument is JSON: {model, side, batchSize, threads, warmup}.
import json
import sys

import numpy
import openvino

from side_protocol import resident_bytes, serve

options = json.loads(sys.argv[1])
baseline = resident_bytes("VmRSS")  # with the library loaded, before the network
batch, side = options["batchSize"], options["side"]
# float32, as all sides: left alone it takes bfloat16 where the processor has instructions for it
settings = {"INFERENCE_NUM_THREADS": options["threads"], "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
network = openvino.Core().compile_model(options["model"], "CPU", settings)
request = network.create_infer_request()
images = numpy.random.default_rng(1).uniform(-1, 1, (batch, 3, side, side)).astype(numpy.float32)


def step():
    (logits,) = request.infer([images], share_inputs=True).values()
    return logits.argmax(1)


serve(step, options["warmup"], baseline, {"batchSize": batch, "data": "one batch of random images in memory"})
