"""Prunes ResNet-56 (zoo) with Torch-Pruning to a share of its MACs, for comparison with bench/prune.ts.

    pip install torch torch-pruning onnx
    EDGEPRESS_ZOO=<folder> python bench/peers/torch_pruning_resnet56.py --out resnet56-tp.onnx [--share 0.5] [--local]
    EDGEPRESS_ZOO=<folder> npx tsx bench/prune.ts resnet56-tp.onnx

The network's shortcuts are strided slices padded with zero channels, which Torch-Pruning doesn't follow: it is told to
leave the residual streams alone (the second convolution of every block, and the stem), so that it prunes the inner
channels of the blocks. Importance: GroupMagnitudeImportance (L2), its default.
"""

import argparse
import os
import time
from pathlib import Path

import onnx
import torch
import torch_pruning
from onnx import numpy_helper
from torch import nn
from torch.nn import functional


STEPS = 30


class Block(nn.Module):
    def __init__(self, width_in, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.pad = width // 4 if stride != 1 or width_in != width else 0

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        if self.pad:
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))
        return functional.relu(y + x)


class ResNet(nn.Module):
    def __init__(self, blocks=9):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[Block(16, 16, 1) for _ in range(blocks)])
        self.layer2 = nn.Sequential(*[Block(16 if i == 0 else 32, 32, 2 if i == 0 else 1) for i in range(blocks)])
        self.layer3 = nn.Sequential(*[Block(32 if i == 0 else 64, 64, 2 if i == 0 else 1) for i in range(blocks)])
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(functional.adaptive_avg_pool2d(x, 1).flatten(1))


def load(path):
    weights = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in onnx.load(path).graph.initializer}
    model = ResNet()
    missing = model.load_state_dict({k: v for k, v in weights.items() if v.dtype == torch.float32 and "." in k}, strict=False)
    unset = [k for k in missing.missing_keys if not k.endswith("num_batches_tracked")]
    if unset or missing.unexpected_keys:
        raise SystemExit(f"unset {unset}, unexpected {missing.unexpected_keys}")
    return model.eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--local", action="store_true", help="the same share of every layer, instead of one ranking")
    arguments = parser.parse_args()
    model = load(Path(os.environ["EDGEPRESS_ZOO"]) / "models/cifar10-resnet/resnet56.onnx")
    example = torch.zeros(1, 3, 32, 32)
    start = time.perf_counter()
    before, _ = torch_pruning.utils.count_ops_and_params(model, example)
    stream = [model.conv1, model.linear, *(b.conv2 for s in (model.layer1, model.layer2, model.layer3) for b in s)]
    pruner = torch_pruning.pruner.BasePruner(
        model,
        example,
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        global_pruning=not arguments.local,
        iterative_steps=STEPS,
        pruning_ratio=0.9,
        max_pruning_ratio=0.9,
        ignored_layers=stream,
    )
    while True:
        pruner.step()
        after, parameters = torch_pruning.utils.count_ops_and_params(model, example)
        if after <= arguments.share * before:
            break
        if pruner.current_step >= STEPS:
            break
    print(f"{time.perf_counter() - start:.2f} s, MACs {after / before:.3f}, {parameters} parameters")
    torch.onnx.export(model, example, arguments.out, input_names=["input"], output_names=["output"],
                      dynamic_axes={"input": {0: "N"}, "output": {0: "N"}}, dynamo=False)


if __name__ == "__main__":
    main()
