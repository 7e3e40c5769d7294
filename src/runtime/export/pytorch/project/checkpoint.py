"""Checkpoints in netc's own format: `netc run --resume` goes on from what train.py writes, and the other way round.

A checkpoint is a folder, `step-00001234`, of float32 tensors in netc's layouts and a manifest with a checksum per file.
It appears under its name in full or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load, save
from torch import Tensor, nn

FORMAT = "netc-checkpoint-2"
MANIFEST = "manifest.json"
NAME = re.compile(r"^step-(\d{8,})(-open)?$")

Arrays = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Checkpoint:
    """How far the run had come, and every tensor that training changes."""

    folder: Path
    progress: dict[str, Any]
    arrays: Arrays


def newest_checkpoint(parent: Path) -> Checkpoint | None:
    """The newest one that is whole; broken ones are named and passed over."""
    for folder in reversed(checkpoints_in(parent)):
        fault = fault_of(folder)
        if fault is None:
            manifest = json.loads((folder / MANIFEST).read_text())
            arrays: Arrays = {}
            for file in manifest["files"]:
                arrays.update(load((folder / file).read_bytes()))
            return Checkpoint(folder, manifest["progress"], arrays)
        print(f"passing over {folder}: {fault}")
    return None


def write_checkpoint(parent: Path, progress: dict[str, Any], weights: Arrays, others: Arrays, keep: int) -> Path:
    """Writes beside its place, flushes, renames; then removes all but the newest `keep`."""
    folder = parent / f"step-{progress['step']:08d}"
    if fault_of(folder) is None:
        return folder
    temporary = parent / f".{folder.name}.{os.getpid()}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    files = {}
    for file, arrays in {"weights.safetensors": weights, "optimizer.safetensors": others}.items():
        content = save(arrays)
        write_flushed(temporary / file, content)
        files[file] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest = {"format": FORMAT, "progress": progress, "files": files}
    write_flushed(temporary / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    flush_folder(temporary)
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)
    flush_folder(parent)
    for old in checkpoints_in(parent)[:-keep]:
        doomed = old.with_name(f".{old.name}.{os.getpid()}.tmp")
        old.rename(doomed)
        shutil.rmtree(doomed)
    return folder


def checkpoints_in(parent: Path) -> list[Path]:
    """Oldest first; at one step the state before the epoch's evaluation ("-open") is the older one."""
    found = [(NAME.match(path.name), path) for path in parent.glob("step-*")]
    ranked = [(int(match[1]), match[2] is None, path) for match, path in found if match]
    return [path for _, _, path in sorted(ranked)]


def fault_of(folder: Path) -> str | None:
    """Why a folder is no whole checkpoint; None where it is one."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        if manifest["format"] != FORMAT:
            return f"its format is {manifest['format']}, expected {FORMAT}"
        for file, expected in manifest["files"].items():
            content = (folder / file).read_bytes()
            if len(content) != expected["bytes"]:
                return f"{file} is {len(content)} bytes long, expected {expected['bytes']}"
            if hashlib.sha256(content).hexdigest() != expected["sha256"]:
                return f"{file} does not match its checksum"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


class Layouts:
    """Tensors between PyTorch's layouts and netc's: outputs come last there, and maps are flattened pixel by pixel."""

    def __init__(self, model: nn.Module, flattened: dict[str, int]) -> None:
        self.modules = {f"{name}.weight": module for name, module in model.named_modules()}
        self.pixels = {f"{name}.weight": pixels for name, pixels in flattened.items()}

    def to_netc(self, parameter: str, value: Tensor) -> NDArray[np.float32]:
        """`value` is laid out as the parameter: itself, or what an optimizer keeps of it."""
        tensor = value.detach().float().cpu()
        module = self.modules.get(parameter)
        if isinstance(module, nn.Conv2d):
            tensor = tensor.permute(2, 3, 1, 0)
        elif isinstance(module, nn.Linear):
            outputs, pixels = tensor.shape[0], self.pixels.get(parameter, 1)
            tensor = tensor.reshape(outputs, -1, pixels).permute(2, 1, 0).reshape(-1, outputs)
        # A copy that training does not change while it is written
        array: NDArray[np.float32] = np.array(tensor.numpy(), dtype=np.float32, order="C")
        return array

    def to_torch(self, parameter: str, array: NDArray[np.float32]) -> Tensor:
        """The reverse of `to_netc`."""
        tensor = torch.from_numpy(np.array(array, dtype=np.float32))
        module = self.modules.get(parameter)
        if isinstance(module, nn.Conv2d):
            return tensor.permute(3, 2, 0, 1).contiguous()
        if isinstance(module, nn.Linear):
            outputs, pixels = tensor.shape[1], self.pixels.get(parameter, 1)
            return tensor.reshape(pixels, -1, outputs).permute(2, 1, 0).reshape(outputs, -1).contiguous()
        return tensor


def replace_file(path: Path, content: bytes) -> None:
    """The file is the old one or the new one, whenever the power goes."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    write_flushed(temporary, content)
    temporary.replace(path)
    flush_folder(path.parent)


def write_flushed(path: Path, content: bytes) -> None:
    """A file whose bytes are on the disk when this returns."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def flush_folder(path: Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
