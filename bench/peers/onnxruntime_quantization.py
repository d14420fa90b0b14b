"""Times onnxruntime.quantization on the zoo's models: static Q/DQ (u8 activations, s8 weights, per channel, MinMax) and
dynamic int8. One process a case, so that peak memory is that case's own.

    pip install -r bench/peers/requirements.txt
    EDGEPRESS_ZOO=<folder> python bench/peers/onnxruntime_quantization.py [mobilenetv2 ...] [--samples 100] [--out <folder>]
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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

MODES = ("static", "dynamic")


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


def run(case, mode, samples, folder):
    """One measurement in this process: seconds of each step, peak resident memory, sizes."""
    relative, read = CASES[case]
    source = zoo() / relative
    prepared, output = folder / f"{case}.prepared.onnx", folder / f"{case}.{mode}.onnx"
    imported_mb = peak_mb()
    start = time.perf_counter()
    quant_pre_process(source, prepared)
    prepared_at = time.perf_counter()
    if mode == "static":
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
    end = time.perf_counter()
    return {
        "case": case,
        "mode": mode,
        "samples": samples if mode == "static" else 0,
        "prepareSeconds": prepared_at - start,
        "quantizeSeconds": end - prepared_at,
        "totalSeconds": end - start,
        "importedMb": imported_mb,
        "peakMb": peak_mb(),
        "sizeBeforeBytes": source.stat().st_size,
        "sizeAfterBytes": output.stat().st_size,
    }


def run_apart(case, mode, arguments, folder):
    command = [sys.executable, __file__, case, "--one", mode, "--samples", str(arguments.samples), "--out", folder]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def row(result):
    before, after = result["sizeBeforeBytes"], result["sizeAfterBytes"]
    return (
        f"| {result['case']} | {result['mode']} | {result['samples'] or '–'} | {result['prepareSeconds']:.1f} "
        f"| {result['quantizeSeconds']:.1f} | {result['peakMb']:.0f} (imports alone {result['importedMb']:.0f}) "
        f"| {after / 1e6:.2f} MB | {after / before:.3f} |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help=f"any of {', '.join(CASES)}; all when left out")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--out", help="keeps the written models in this folder")
    parser.add_argument("--one", choices=MODES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = [case for case in arguments.cases if case not in CASES]
    if unknown:
        parser.error(f"no case named {', '.join(unknown)}; there are {', '.join(CASES)}")
    if arguments.one:
        print(json.dumps(run(arguments.cases[0], arguments.one, arguments.samples, Path(arguments.out))))
        return
    versions = {module.__name__: module.__version__ for module in (onnxruntime, onnx, numpy)}
    print(f"Python {platform.python_version()}, " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    print("\n| model | mode | samples | prepare, s | quantise, s | peak memory, MB | size | of the original |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.out or temporary
        Path(folder).mkdir(parents=True, exist_ok=True)
        for case in arguments.cases or CASES:
            for mode in MODES:
                print(row(run_apart(case, mode, arguments, folder)), flush=True)


if __name__ == "__main__":
    main()
