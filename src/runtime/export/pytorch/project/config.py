"""Reads config.yaml by the rules of YAML 1.2, which netc follows: 1e-3 is a number, `yes` is text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml


class CoreLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2's core schema."""


CoreLoader.yaml_implicit_resolvers = {}
for tag, pattern, starts in [
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan", "-+.0123456789"),
]:
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(starts))


def read_config(path: Path) -> dict[str, Any]:
    """The sections `data`, `model` and `train`, and beside them `name` and `seed`."""
    config: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), CoreLoader)
    return config


def chosen(option: Any) -> tuple[str, dict[str, Any]]:
    """The name and the settings of an option: `{sgd: {momentum: 0.9}}` is ("sgd", {"momentum": 0.9})."""
    if isinstance(option, str):
        return option, {}
    ((name, settings),) = option.items()
    return name, settings or {}
