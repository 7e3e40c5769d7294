"""Loads a SavedModel as a user of TensorFlow does, and prints what it makes of 8-bit images read from standard input."""

import json
import sys

import tensorflow as tf

folder, shape = sys.argv[1], json.loads(sys.argv[2])
model = tf.saved_model.load(folder)
serve = model.signatures["serving_default"]
images = tf.reshape(tf.constant(list(sys.stdin.buffer.read()), tf.uint8), shape)
results = {key: value.numpy().tolist() for key, value in serve(images=images).items()}
results["one"] = serve(images=images[:1])["logits"].numpy().tolist()
print(json.dumps(results))
