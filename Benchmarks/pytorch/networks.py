"""PyTorch's side of Benchmarks/networks.sh: the networks of `apus bench networks`, its forward pass without gradients and its training
step (forward, backward, fused Adam). Prints one JSON object last on standard output.

Each variant of PyTorch is measured and named: eager, torch.compile, and both with channels-last memory for convolutions.
"""
import argparse
import json
import statistics
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--repetitions", type=int, default=15)
parser.add_argument("--case", default="", help="only networks whose name begins so")
parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
parser.add_argument("--cpu-time", action="store_true", help="processor time instead of the clock's: for one thread on a busy machine")
arguments = parser.parse_args()

import torch
from torch import nn

torch.set_num_threads(arguments.threads)
torch.manual_seed(1)


class Heads(nn.Module):
    """Output layers side by side on a torso."""

    def __init__(self, torso, width, heads):
        super().__init__()
        self.torso = torso
        self.heads = nn.ModuleList(nn.Linear(width, head) for head in heads)

    def forward(self, x):
        y = self.torso(x)
        return [head(y) for head in self.heads]


class Recurrent(nn.Module):
    def __init__(self, inputs, size):
        super().__init__()
        self.layer = nn.LSTM(inputs, size)

    def forward(self, x):
        return [self.layer(x)[0]]


def mlp(sizes, heads):
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.Tanh()]
    return Heads(nn.Sequential(*layers), sizes[-1], heads)


def minatar():
    return Heads(nn.Sequential(nn.Conv2d(4, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 128), nn.ReLU()), 128, [6, 1])


def nature():
    return Heads(
        nn.Sequential(
            nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(),
            nn.Linear(3136, 512), nn.ReLU()), 512, [6, 1])


CASES = (
    [("mlp-4-64-64-2", batch, lambda: mlp([4, 64, 64], [2, 1]), (4,), False) for batch in (32, 640)]
    + [("mlp-17-256-256-6", 256, lambda: mlp([17, 256, 256], [6]), (17,), False)]
    + [("minatar", batch, minatar, (4, 10, 10), True) for batch in (256, 512, 2048, 4096)]
    + [("nature", batch, nature, (4, 84, 84), True) for batch in (64, 256)]
    + [("lstm-256", 640, lambda: Recurrent(256, 256), None, False)]
)


clock = time.process_time if arguments.cpu_time else time.perf_counter


def measure(body):
    """Microseconds of one call, from calls that take at least 10 ms together."""

    def once(calls):
        start = clock()
        for _ in range(calls):
            body()
        return (clock() - start) * 1e6 / calls

    once(3)
    calls = max(1, int(10_000 / once(2)))
    return [once(calls) for _ in range(arguments.repetitions)]


def variants(make, x, images):
    yield "eager", make(), x
    if images:
        layout = torch.channels_last
        yield "eager channels-last", make().to(memory_format=layout), x.to(memory_format=layout)
    if not arguments.no_compile:
        yield "compiled", torch.compile(make()), x
        if images:
            yield "compiled channels-last", torch.compile(make().to(memory_format=layout)), x.to(memory_format=layout)


def passes(model, x):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)

    def forward():
        with torch.inference_mode():
            model(x)

    def training():
        optimizer.zero_grad(set_to_none=True)
        sum(output.square().mean() for output in model(x)).backward()
        optimizer.step()

    return {"forward": forward, "training": training}


results = []
for name, batch, make, shape, images in CASES:
    if not name.startswith(arguments.case):
        continue
    x = torch.randn(20, 32, 256) if shape is None else torch.randn(batch, *shape)
    for variant, model, values in variants(make, x, images):
        # Models of one class share their compiled code, up to a limit on its versions.
        torch.compiler.reset()
        for which, body in passes(model, values).items():
            try:
                times = measure(body)
            except Exception as error:  # torch.compile needs a C++ compiler, among other things.
                print(f"{name} {batch} {which}, {variant}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
                continue
            results.append({
                "network": name, "batch": batch, "pass": which, "variant": variant, "median_us": statistics.median(times),
                "lowest_us": min(times), "highest_us": max(times)})
print(json.dumps({
    "program": f"PyTorch {torch.__version__}", "threads": arguments.threads, "blas": torch.backends.mkl.is_available() and "MKL" or "other",
    "cases": results}))
