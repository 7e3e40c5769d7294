"""Writes what scikit-learn makes of logits and labels, for test/runtime/trained/classification-figures.test.ts.

    python3 test/oracle/write_classification_figures.py

Made with scikit-learn 1.9 and numpy. The logits are drawn here and kept as float32; the third class never comes up as an
answer and the last one never as a label, so that empty denominators are among the cases. The calibration error follows
Guo et al. 2017, eq. 3, by numpy's histogram.
"""

import json
import pathlib

import numpy
import sklearn
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_score, recall_score

IMAGES, CLASSES, BINS = 60, 5, 15

draw = numpy.random.default_rng(8)
labels = draw.integers(0, CLASSES - 1, IMAGES)
logits = draw.normal(0, 1.5, (IMAGES, CLASSES))
logits[numpy.arange(IMAGES), labels] += 1.5
logits[:, 2] -= 12
logits = logits.round(3).astype(numpy.float32)

wide = logits.astype(numpy.float64)
probabilities = numpy.exp(wide - wide.max(1, keepdims=True))
probabilities /= probabilities.sum(1, keepdims=True)
answers = probabilities.argmax(1)
confidence = probabilities.max(1)

# scipy.stats.binned_statistic closes bins below, the paper above: numpy.digitize with right=True.
bins = numpy.digitize(confidence, numpy.linspace(0, 1, BINS + 1)[1:-1], right=True)
error = sum(
    abs((answers[bins == one] == labels[bins == one]).mean() - confidence[bins == one].mean()) * (bins == one).mean()
    for one in numpy.unique(bins)
)
every = list(range(CLASSES))
scores = {"labels": every, "average": None, "zero_division": numpy.nan}


def or_null(values):
    return [None if numpy.isnan(value) else float(value) for value in values]


fixture = {
    "made with": f"scikit-learn {sklearn.__version__}, numpy {numpy.__version__}",
    "labels": labels.tolist(),
    "logits": [float(str(value)) for value in logits.ravel()],
    "accuracy": accuracy_score(labels, answers),
    "loss": log_loss(labels, probabilities, labels=every),
    "precision": or_null(precision_score(labels, answers, **scores)),
    "recall": or_null(recall_score(labels, answers, **scores)),
    "confusion": confusion_matrix(labels, answers, labels=every).tolist(),
    "calibration error": float(error),
}
place = pathlib.Path(__file__).with_name("classification-figures.json")
place.write_text(json.dumps(fixture, separators=(",", ":")) + "\n")
