"""Times onnxruntime.quantization on the zoo's models: static Q/DQ (u8 activations, s8 weights, per channel, MinMax) and
dynamic int8, each after quant_pre_process. One process a step, so that peak memory is that step's own.

    pip install -r bench/peers/requirements.txt
    EDGEPRESS_ZOO=<folder> python bench/peers/onnxruntime_quantization.py [mobilenetv2 ...] [--samples 100] [--out <folder>]
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# onnxruntime sends usage events to its maker unless this is set before it loads.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy
import onnx
import onnxruntime
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from calibration import CASES, zoo

STEPS = ("prepare", "static", "dynamic")


class Reader(CalibrationDataReader):
    def __init__(self, input_name, samples):
        self.input_name = input_name
        self.samples = samples

    def get_next(self):
        sample = next(self.samples, None)
        return None if sample is None else {self.input_name: sample}


def input_name_of(path):
    graph = onnx.load(path, load_external_data=False).graph
    stored = {initializer.name for initializer in graph.initializer}
    return next(entry.name for entry in graph.input if entry.name not in stored)


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def run(case, step, samples, folder):
    """One step in this process: wall seconds, peak resident memory before (imports alone) and after, sizes in bytes."""
    relative, read = CASES[case]
    source = zoo() / relative
    prepared = folder / f"{case}.prepare.onnx"
    output = folder / f"{case}.{step}.onnx"
    imported_mb = peak_mb()
    start = time.perf_counter()
    if step == "prepare":
        quant_pre_process(source, prepared)
    elif step == "static":
        quantize_static(
            prepared,
            output,
            Reader(input_name_of(prepared), read(samples)),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            calibrate_method=CalibrationMethod.MinMax,
        )
    else:
        quantize_dynamic(prepared, output, weight_type=QuantType.QInt8, per_channel=True)
    return {
        "step": step,
        "seconds": time.perf_counter() - start,
        "importedMb": imported_mb,
        "peakMb": peak_mb(),
        "beforeBytes": source.stat().st_size,
        "afterBytes": output.stat().st_size,
    }


def run_apart(case, step, arguments, folder):
    command = [sys.executable, __file__, case, "--one", step, "--samples", str(arguments.samples), "--out", folder]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def row(case, result, samples):
    before, after = result["beforeBytes"], result["afterBytes"]
    used = samples if result["step"] == "static" else "–"
    return (
        f"| {case} | {result['step']} | {used} | {result['seconds']:.2f} | {result['peakMb']:.0f} "
        f"| {result['importedMb']:.0f} | {after / 1e6:.2f} MB | {after / before:.3f} |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help=f"any of {', '.join(CASES)}; all when left out")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--out", help="keeps the written models in this folder")
    parser.add_argument("--one", choices=STEPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = [case for case in arguments.cases if case not in CASES]
    if unknown:
        parser.error(f"no case named {', '.join(unknown)}; there are {', '.join(CASES)}")
    if arguments.one:
        print(json.dumps(run(arguments.cases[0], arguments.one, arguments.samples, Path(arguments.out))))
        return
    zoo()
    versions = {module.__name__: module.__version__ for module in (onnxruntime, onnx, numpy)}
    print(f"Python {platform.python_version()}, " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    print("\n| model | step | samples | seconds | peak memory, MB | imports alone, MB | size | of the original |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.out or temporary
        Path(folder).mkdir(parents=True, exist_ok=True)
        for case in arguments.cases or CASES:
            for step in STEPS:
                print(row(case, run_apart(case, step, arguments, folder), arguments.samples), flush=True)


if __name__ == "__main__":
    main()
