"""One step of another tool's quantisation, in a process of its own: bench/peers.ts writes the job to standard input as one JSON value

    {"tool": …, "step": "prepare" | "static" | "dynamic" | "samples", "model": path, "output": path, "transformer": bool,
     "inputs": {name: numpy type}, "samples": {"pictures": [path], "size": 224, "mean": […], "std": […]} or {"arrays": [path]}}

and reads one JSON line: wall and processor seconds without imports, peak resident bytes before the work and after it.
"samples" answers with sums of each sample instead, so that it can be seen that both sides read the same."""

import json
import os
import resource
import sys
import time

# onnxruntime sends usage events to its maker unless this is set before it loads.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnx
from PIL import Image

RUNS = {}


def runs(tool, step):
    def register(function):
        RUNS[tool, step] = function
        return function

    return register


def samples_of(job):
    """Feeds, one sample at a time, read when asked for."""
    given = job["samples"]
    if "arrays" in given:
        for path in given["arrays"]:
            with np.load(path) as archive:
                yield {name: archive[name] for name in job["inputs"]}
        return
    mean, std = (np.array(given[key], np.float32) for key in ("mean", "std"))
    (name,) = job["inputs"]
    for path in given["pictures"]:
        image = Image.open(path).convert("RGB")
        left, top = (image.width - given["size"]) // 2, (image.height - given["size"]) // 2
        pixels = np.asarray(image.crop((left, top, left + given["size"], top + given["size"])), np.float32) / 255
        yield {name: ((pixels - mean) / std).transpose(2, 0, 1)[None]}


@runs("onnxruntime", "prepare")
def prepare(job):
    from onnxruntime.quantization.shape_inference import quant_pre_process

    # Shapes of attention are more than its symbolic inference follows; its own hint is to leave that out then.
    quant_pre_process(job["model"], job["output"], skip_symbolic_shape=job["transformer"])


@runs("onnxruntime", "static")
def static(job):
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Reader(CalibrationDataReader):
        samples = samples_of(job)

        def get_next(self):
            return next(self.samples, None)

    quantize_static(
        job["model"],
        job["output"],
        Reader(),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        calibrate_method=CalibrationMethod.MinMax,
    )


@runs("onnxruntime", "dynamic")
def dynamic(job):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(job["model"], job["output"], weight_type=QuantType.QInt8, per_channel=True)


@runs("nncf", "static")
def nncf_static(job):
    import nncf

    samples = list(samples_of(job))
    kind = nncf.ModelType.TRANSFORMER if job["transformer"] else None
    model = onnx.load(job["model"])
    data = nncf.Dataset(samples, lambda sample: sample)
    onnx.save(nncf.quantize(model, data, subset_size=len(samples), model_type=kind), job["output"])


@runs("neural-compressor", "static")
def neural_compressor_static(job):
    from onnx_neural_compressor import data_reader
    from onnx_neural_compressor.quantization import QuantFormat, QuantType, config, quantize

    class Reader(data_reader.CalibrationDataReader):
        def __init__(self):
            self.rewind()

        def get_next(self):
            return next(self.samples, None)

        def rewind(self):
            self.samples = samples_of(job)

    quantize(
        job["model"],
        job["output"],
        config.StaticQuantConfig(
            calibration_data_reader=Reader(),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        ),
    )


def load(tool):
    """Imports are no part of the work: they are done before the clock starts."""
    if tool == "nncf":
        import nncf  # noqa: F401
    elif tool == "neural-compressor":
        import onnx_neural_compressor.quantization  # noqa: F401
    else:
        import onnxruntime.quantization  # noqa: F401


def peak_bytes():
    """On Linux of this process alone: getrusage also counts what its parent held."""
    if sys.platform == "linux":
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main():
    job = json.load(sys.stdin)
    if job["step"] == "samples":
        sums = [float(sum(np.abs(value.astype(np.float64)).sum() for value in s.values())) for s in samples_of(job)]
        print(json.dumps({"sums": sums}))
        return
    load(job["tool"])
    before, start, spent = peak_bytes(), time.perf_counter(), time.process_time()
    RUNS[job["tool"], job["step"]](job)
    result = {
        "seconds": time.perf_counter() - start,
        "processorSeconds": time.process_time() - spent,
        "beforeBytes": before,
        "peakBytes": peak_bytes(),
    }
    print("\n" + json.dumps(result))


if __name__ == "__main__":
    main()
