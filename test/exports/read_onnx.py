"""Holds each model.onnx to ONNX's checker and shape inference and writes onnxruntime's logits of images.bin, two ways.

Usage: read_onnx.py FOLDER...   (each holds model.onnx, images.bin and shape.json; python.bin is written beside them)
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

for folder in map(Path, sys.argv[1:]):
    model = onnx.load(folder / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    images = np.fromfile(folder / "images.bin", dtype=np.uint8).reshape(json.loads((folder / "shape.json").read_text()))
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    (whole,) = session.run(None, {"images": images})
    single = np.concatenate([session.run(None, {"images": images[i : i + 1]})[0] for i in range(len(images))])
    assert np.abs(whole - single).max() < 1e-4, "a batch of one gives other logits"
    whole.astype(np.float32).tofile(folder / "python.bin")
