# A file by the safetensors package itself (0.4 or newer, `pip install safetensors numpy`), as example.safetensors beside
# this file; and a check of files that netc wrote: safetensors_file.py FILE prints name, shape and sum of each tensor.
import os
import sys
import numpy
from safetensors.numpy import load_file, save_file

if len(sys.argv) > 1:
    for name, tensor in sorted(load_file(sys.argv[1]).items()):
        print(name, tensor.dtype, list(tensor.shape), float(tensor.astype(numpy.float64).sum()))
else:
    save_file(
        {
            "b.weight": numpy.arange(6, dtype=numpy.float32).reshape(2, 3) / 4,
            "a.bias": numpy.array([-0.0, 1e-45, 3.4e38], dtype=numpy.float32),
            "scalar": numpy.array(7, dtype=numpy.float32),
        },
        os.path.join(os.path.dirname(__file__), "example.safetensors"),
        metadata={"format": "np"},
    )
