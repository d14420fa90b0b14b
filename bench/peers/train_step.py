"""PyTorch's side of bench/train-step.ts: the same network from the same weights, stepped when told to.

One JSON value a line. First comes the case: name, threads, weights and batch as base64 of their bytes, optimiser. Then
each number asks for that many steps, answered by their times in ms (wall, processor) and losses; 0 ends, answered by peak memory."""

import base64
import json
import math
import resource
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    sys.exit(3)

DTYPES = {"float32": torch.float32, "int64": torch.int64}


def tensor(t):
    data = bytearray(base64.b64decode(t["bytes"]))
    return torch.frombuffer(data, dtype=DTYPES[t["dtype"]]).reshape(t["dims"]).clone()


def cnn(p, batch):
    x = batch["image"]
    for i in range(3):
        x = F.relu(F.conv2d(x, p[f"conv{i}/weight"], p[f"conv{i}/bias"]))
        if i < 2:
            x = F.max_pool2d(x, 2)
    x = F.relu(F.linear(x.flatten(1), p["hidden/weight"], p["hidden/bias"]))
    return F.linear(x, p["classifier/weight"], p["classifier/bias"])


def gpt(p, batch):
    ids = batch["input_ids"]
    n, length = ids.shape
    x = F.embedding(ids, p["tokens/weight"]) + p["positions/weight"][:length]
    width = x.shape[-1]
    heads = 4
    linear = lambda name, v: F.linear(v, p[f"{name}/weight"], p[f"{name}/bias"])
    norm = lambda name, v: F.layer_norm(v, (width,), p[f"{name}/scale"], p[f"{name}/bias"])
    split = lambda v: v.view(n, length, heads, width // heads).transpose(1, 2)
    i = 0
    while f"block{i}/norm0/scale" in p:
        at = f"block{i}"
        h = norm(f"{at}/norm0", x)
        q, k, v = (split(linear(f"{at}/attention/{role}", h)) for role in ("query", "key", "value"))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + linear(f"{at}/attention/output", mixed.transpose(1, 2).reshape(n, length, width))
        h = F.gelu(linear(f"{at}/mlp/up", norm(f"{at}/norm1", x)), approximate="tanh")
        x = x + linear(f"{at}/mlp/down", h)
        i += 1
    return F.linear(norm("norm", x), p["tokens/weight"])


def lstm(p, batch):
    x = F.embedding(batch["input_ids"], p["embedding/weight"]).transpose(0, 1)
    i = 0
    while f"lstm{i}/input" in p:
        hidden = p[f"lstm{i}/recurrent"].shape[-1]
        zero = torch.zeros(1, x.shape[1], hidden)
        weights = [p[f"lstm{i}/{part}"] for part in ("input", "recurrent", "bias", "bias2")]
        x = torch.lstm(x, (zero, zero), weights, True, 1, 0.0, True, False, False)[0]
        i += 1
    return F.linear(x.transpose(0, 1), p["classifier/weight"], p["classifier/bias"])


def as_torch(weights):
    """ONNX's layouts to PyTorch's: [in, out] to [out, in], gates i o f c to i f c o, two biases in one to two."""
    p = {}
    for name, w in weights.items():
        part = name.split("/")[-1]
        is_table = name in ("tokens/weight", "positions/weight", "embedding/weight")
        if name.startswith("lstm"):
            w = w[0].reshape(-1, w.shape[-1]) if w.dim() == 3 else w.reshape(2, -1)
            turn = lambda v: torch.cat([v.chunk(4)[g] for g in (0, 2, 3, 1)])
            if part == "bias":
                p[f"{name}2"] = turn(w[1])
                w = w[0]
            w = turn(w)
        elif part == "weight" and w.dim() == 2 and not is_table:
            w = w.t()
        p[name] = w.contiguous()
    return {name: w.clone().requires_grad_() for name, w in p.items()}


def memory():
    """Bytes resident now: the peak since the beginning comes from getrusage."""
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


case = json.loads(sys.stdin.readline())
torch.set_num_threads(case["threads"])
params = as_torch({name: tensor(t) for name, t in case["weights"].items()})
batch = {name: tensor(t) for name, t in case["batch"].items()}
labels = batch.pop("labels").flatten()
forward = {"cnn": cnn, "gpt": gpt, "lstm": lstm}[case["name"]]
# PyTorch's defaults; decayed are matrices, as in ours, where an LSTM's biases lie in one.
is_decayed = lambda name: params[name].dim() > 1 or name.startswith("lstm")
decayed = [w for name, w in params.items() if is_decayed(name)]
others = [w for name, w in params.items() if not is_decayed(name)]
groups = [{"params": decayed, "weight_decay": case["weightDecay"]}, {"params": others, "weight_decay": 0.0}]
optimizer = torch.optim.AdamW(groups, lr=case["learningRate"])
before = memory()
print(json.dumps({"version": torch.__version__, "parameters": sum(w.numel() for w in params.values())}), flush=True)
for line in sys.stdin:
    count = int(line)
    if count == 0:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"before": before, "peak": peak}), flush=True)
        break
    times, cpu, losses = [], [], []
    for _ in range(count):
        started, spent = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        scores = forward(params, batch)
        loss = F.cross_entropy(scores.reshape(-1, scores.shape[-1]), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        times.append((time.perf_counter() - started) * 1e3)
        cpu.append((time.process_time() - spent) * 1e3)
    if not all(math.isfinite(v) for v in losses):
        sys.exit("the loss is not a number")
    print(json.dumps({"ms": times, "cpu": cpu, "losses": losses}), flush=True)
