"""Holds each project's TrainJob to Kubeflow's own models, and its YAML files to a parser of YAML 1.1.

Usage: check_manifests.py PROJECT...
"""

import sys
from pathlib import Path

import yaml
from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob

for project in map(Path, sys.argv[1:]):
    manifest = yaml.safe_load((project / "launch" / "trainjob.yaml").read_text())
    job = TrainerV1alpha1TrainJob.from_dict(manifest)
    # What the models do not know they leave out
    assert job.to_dict() == manifest, f"{project}: keys that a TrainJob does not have"
    assert set(yaml.safe_load((project / "config.yaml").read_text())) == {"name", "seed", "data", "blocks", "model", "train"}
