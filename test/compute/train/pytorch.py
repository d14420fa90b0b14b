"""What PyTorch makes of the losses and optimisers under test. Prints JSON; pytorch.json is its output (PyTorch 2.13, CPU):
python3 test/compute/train/pytorch.py > test/compute/train/pytorch.json"""
import json
import math
import torch
import torch.nn.functional as F


def wave(seed, *dims):
    """The numbers that wave() of pytorch.ts makes: the same on both sides, without a shared generator."""
    count = math.prod(dims)
    return torch.tensor([math.sin(1 + 0.7 * i + 1.3 * seed) for i in range(count)]).reshape(dims)


def rounded(t):
    return [float(f'{v:.9g}') for v in t.detach().flatten().tolist()]


def losses():
    out = {}

    def case(name, inputs, compute):
        leaves = {k: v.clone().requires_grad_(True) for k, v in inputs.items()}
        value = compute(**leaves)
        value.backward()
        out[name] = {'value': rounded(value)[0], 'gradients': {k: rounded(v.grad) for k, v in leaves.items()}}

    x, y = 2 * wave(0, 6, 5), torch.tensor([0, 3, -100, 4, 1, -100])
    case('cross-entropy', {'x': x}, lambda x: F.cross_entropy(x, y))
    case('smoothing', {'x': x}, lambda x: F.cross_entropy(x, y.clamp(min=0), label_smoothing=0.2))
    case('mixup', {'x': x}, lambda x: 0.3 * F.cross_entropy(x, y) + 0.7 * F.cross_entropy(x, y.roll(1)))
    case('tokens', {'x': 2 * wave(0, 2, 3, 5)}, lambda x: F.cross_entropy(x.transpose(1, 2), y.reshape(2, 3)))
    t = 3 * wave(1, 6, 5)
    case('distillation', {'x': x}, lambda x: 16 * F.kl_div(
        F.log_softmax(x / 4, -1), F.log_softmax(t / 4, -1), log_target=True, reduction='batchmean'))
    case('weighted', {'x': x}, lambda x: 0.9 * 4 * F.kl_div(
        F.log_softmax(x / 2, -1), F.log_softmax(t / 2, -1), log_target=True, reduction='batchmean')
        + 0.1 * F.cross_entropy(x, y))
    case('mse', {'x': x}, lambda x: F.mse_loss(x, t))
    case('cosine', {'x': x}, lambda x: (1 - F.cosine_similarity(x, t)).mean())
    s, u = wave(2, 2, 3, 2, 2), wave(3, 2, 4, 2, 2)
    case('hint', {'x': s, 'w': wave(4, 4, 3, 1, 1)}, lambda x, w: F.mse_loss(F.conv2d(x, w), u))
    v = wave(5, 2, 3, 6)
    case('hint of the last axis', {'x': wave(2, 2, 3, 4), 'w': wave(4, 4, 6)}, lambda x, w: F.mse_loss(x @ w, v))
    at = lambda v: F.normalize(v.square().mean(1).flatten(1))
    case('attention-transfer', {'x': s}, lambda x: (at(x) - at(u)).square().sum() / 2)
    return out


def trajectories():
    out = {}

    def run(name, make, l1=0.0, clip=0.0, decay=0.0, ema=0.0):
        weights = [wave(10, 5, 8), wave(11, 8), wave(12, 8, 3), wave(13, 3)]
        weights = [w.mul(0.5).requires_grad_(True) for w in weights]
        groups = [{'params': [w for w in weights if w.dim() > 1], 'weight_decay': decay},
                  {'params': [w for w in weights if w.dim() == 1], 'weight_decay': 0.0}]
        optimizer = make(groups)
        x, y = wave(14, 6, 5), wave(15, 6, 3)
        average = [w.detach().clone() for w in weights]
        losses = []
        for _ in range(10):
            optimizer.zero_grad()
            w1, b1, w2, b2 = weights
            loss = F.mse_loss(torch.tanh(x @ w1 + b1) @ w2 + b2, y)
            losses.append(loss.item())
            loss.backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(weights, clip)
            for w in weights:
                if l1 and w.dim() > 1:
                    w.grad += l1 * w.detach().sign()
            optimizer.step()
            if ema:
                for a, w in zip(average, weights):
                    a.mul_(ema).add_(w.detach(), alpha=1 - ema)
        out[name] = {'losses': losses, 'weights': [rounded(w) for w in (average if ema else weights)]}

    sgd = lambda **k: lambda g: torch.optim.SGD(g, lr=0.1, **k)
    run('sgd', sgd())
    run('sgd with momentum', sgd(momentum=0.9))
    run('sgd with Nesterov', sgd(momentum=0.9, nesterov=True))
    run('sgd with momentum and decay', sgd(momentum=0.9), decay=0.05)
    run('sgd with L1', sgd(), l1=0.02)
    run('sgd, clipped', sgd(), clip=0.1)
    run('sgd, averaged', sgd(), ema=0.8)
    run('adam', lambda g: torch.optim.Adam(g, lr=0.02))
    run('adam with decay', lambda g: torch.optim.Adam(g, lr=0.02), decay=0.05)
    run('adam with its own betas', lambda g: torch.optim.Adam(g, lr=0.02, betas=(0.5, 0.9), eps=1e-3))
    run('adamw', lambda g: torch.optim.AdamW(g, lr=0.02), decay=0.5)
    return out


def normalised():
    conv = torch.nn.Conv2d(2, 4, 3, bias=False)
    norm = torch.nn.BatchNorm2d(4, momentum=0.1)
    head = torch.nn.Linear(4, 3)
    with torch.no_grad():
        conv.weight.copy_(wave(20, 4, 2, 3, 3))
        norm.weight.copy_(1 + 0.1 * wave(21, 4))
        norm.bias.copy_(0.1 * wave(22, 4))
        head.weight.copy_(wave(23, 3, 4))
        head.bias.zero_()
    net = torch.nn.Sequential(conv, norm, torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), head)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for step in range(5):
        optimizer.zero_grad()
        F.cross_entropy(net(wave(30 + step, 4, 2, 5, 5)), torch.tensor([0, 1, 2, 0])).backward()
        optimizer.step()
    return {'mean': rounded(norm.running_mean), 'variance': rounded(norm.running_var),
            'scale': rounded(norm.weight), 'kernel': rounded(conv.weight), 'head': rounded(head.weight)}


def schedules():
    out = {}

    def run(name, make):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        scheduler = make(optimizer)
        rates = []
        for _ in range(20):
            rates.append(optimizer.param_groups[0]['lr'])
            optimizer.step()
            scheduler.step()
        out[name] = rates

    s = torch.optim.lr_scheduler
    run('cosine', lambda o: s.CosineAnnealingLR(o, 20))
    run('cosine to a tenth', lambda o: s.CosineAnnealingLR(o, 20, eta_min=0.1))
    run('linear', lambda o: s.LinearLR(o, 1.0, 0.0, 20))
    run('step', lambda o: s.MultiStepLR(o, [10, 15], 0.1))
    run('warm-up, then cosine', lambda o: s.SequentialLR(
        o, [s.LinearLR(o, 0.25, 1.0, 3), s.CosineAnnealingLR(o, 16)], [4]))
    return out


print(json.dumps({'losses': losses(), 'trajectories': trajectories(), 'normalised': normalised(), 'schedules': schedules()}))
