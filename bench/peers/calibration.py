"""Calibration data of the zoo's models, read sample by sample, the way each model was trained."""

import json
import os
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def zoo() -> Path:
    path = os.environ.get("EDGEPRESS_ZOO")
    if path is None:
        sys.exit("EDGEPRESS_ZOO is not set: point it at the folder that holds models/ and data/.")
    return Path(path)


def normalised(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image.convert("RGB"), np.float32) / 255
    return ((pixels - MEAN) / STD).transpose(2, 0, 1)[None]


def imagenet(count: int) -> Iterator[np.ndarray]:
    """Every fifth picture, centre crop of 224: float32 [1, 3, 224, 224]. The other four fifths stay for comparing."""
    folder = zoo() / "data/imagenet"
    entries = json.loads((folder / "labels.json").read_text())
    for entry in entries[::5][:count]:
        image = Image.open(folder / entry["file"])
        left, top = (image.width - 224) // 2, (image.height - 224) // 2
        yield normalised(image.crop((left, top, left + 224, top + 224)))


def cifar10(count: int) -> Iterator[np.ndarray]:
    """Pictures of the training part, as many of each class: float32 [1, 3, 32, 32]."""
    taken: dict[str, int] = {}
    with tarfile.open(zoo() / "data/cifar10/train-a.tar.gz") as archive:
        for member in archive:
            label = Path(member.name).parent.name
            if not member.isfile() or taken.get(label, 0) >= count // 10:
                continue
            taken[label] = taken.get(label, 0) + 1
            yield normalised(Image.open(archive.extractfile(member)))


def keywords(count: int) -> Iterator[np.ndarray]:
    """MFCC of spoken words: float32 [1, 49, 10, 1]."""
    for file in sorted((zoo() / "data/kws01").glob("*.bin"))[:count]:
        stored = np.frombuffer(file.read_bytes(), np.int8).astype(np.float32)
        yield ((stored - 83) * np.float32(0.5847029)).reshape(1, 49, 10, 1)


CASES = {
    "mobilenetv2": ("models/imagenet-mobilenetv2-f32/mobilenetv2.onnx", imagenet),
    "resnet20": ("models/cifar10-resnet/resnet20.onnx", cifar10),
    "resnet56": ("models/cifar10-resnet/resnet56.onnx", cifar10),
    "kws_dscnn": ("models/kws-dscnn/kws_dscnn_float.onnx", keywords),
}
