"""Runs .tflite files with ai-edge-litert. Reads jobs from the JSON file argv[1]: [{"model", "runs": [[...]], "delegate"}]; one
interpreter makes all runs of a job. Inputs of a run are files with raw elements, in the order of the interpreter's inputs, with
dims. Writes argv[2]: outputs of all runs, or an error."""
import json
import sys

import numpy as np
from ai_edge_litert import interpreter as litert

BUILTIN = litert.OpResolverType.BUILTIN
PLAIN = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES


def run(job):
    resolver = BUILTIN if job["delegate"] else PLAIN
    net = litert.Interpreter(model_path=job["model"], experimental_op_resolver_type=resolver, num_threads=1)
    details = net.get_input_details()
    for detail, given in zip(details, job["runs"][0]):
        net.resize_tensor_input(detail["index"], given["dims"])
    net.allocate_tensors()
    results = []
    for inputs in job["runs"]:
        for detail, given in zip(details, inputs):
            values = np.fromfile(given["file"], dtype=detail["dtype"]).reshape(given["dims"])
            net.set_tensor(detail["index"], values)
        net.invoke()
        for detail in net.get_output_details():
            value = net.get_tensor(detail["index"])
            path = f"{job['model']}.out{len(results)}"
            np.ascontiguousarray(value).tofile(path)
            results.append({"name": detail["name"], "dims": list(value.shape), "dtype": value.dtype.name, "file": path})
    return {"outputs": results}


def attempt(job):
    try:
        return run(job)
    except Exception as error:  # What the runtime refuses is a result too.
        return {"error": str(error)}


with open(sys.argv[1]) as jobs:
    found = [attempt(job) for job in json.load(jobs)]
with open(sys.argv[2], "w") as out:
    json.dump(found, out)
