"""Model onnx against PyTorch: networks that torch.onnx.export writes give the same logits and the same bits, and one
epoch of training from there lowers the loss. Tried with PyTorch 1.13 and 2.6, whose exporter of TorchScript it is."""

import csv
import inspect
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import warnings

source, build = os.environ["TSR_SOURCE"], os.environ["TSR_BUILD"]
library = os.environ["TESSERA_LIBRARY"] = os.path.join(build, ".libs", "libtessera.so.1")
for plugin in ("models/onnx", "datasets/npy"):
    if not os.path.exists(os.path.join(build, "plugins", plugin + ".la")):
        print(f"left out: plugin {plugin} is not built")
        sys.exit(77)
if b"libasan.so" in pathlib.Path(library).read_bytes():
    print("left out: PyTorch beside the address sanitizer; onnx_test and onnx_refused_test run under it")
    sys.exit(77)
try:
    import numpy as np
    import torch
    from torch import nn
except ImportError as missing:
    print(f"left out: {missing} (Debian: python3-torch)")
    sys.exit(77)
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(source, "python"))
import tessera

INPUTS, TOLERANCE = 256, 1e-4


class Step(nn.Module):
    """`way` over modules by their names, each of which is called once."""

    def __init__(self, way, **modules):
        super().__init__()
        self.way = way
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x):
        return self.way(self, x)


def lenet():
    return (1, 28, 28), nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def residual(inputs, outputs, stride):
    inner = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
                          nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
    shortcut = nn.Identity() if stride == 1 and inputs == outputs else nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    return Step(lambda m, x: m.relu(m.inner(x) + m.shortcut(x)), inner=inner, shortcut=shortcut, relu=nn.ReLU())


def resnet18(width=8):
    stages = [residual(width * 2 ** max(0, (i - (i % 2 == 0) * 2) // 2) if i else width, width * 2 ** (i // 2),
                       2 if i % 2 == 0 and i else 1) for i in range(8)]
    return (3, 32, 32), nn.Sequential(
        nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1), *stages,
        nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(8 * width, 10))


def inverted(inputs, outputs, stride, wider):
    inner = inputs * wider
    block = nn.Sequential(nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU6(),
                          nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False), nn.BatchNorm2d(inner),
                          nn.ReLU6(), nn.Conv2d(inner, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
    return Step(lambda m, x: x + m.block(x), block=block) if stride == 1 and inputs == outputs else block


def mobilenet():
    return (3, 32, 32), nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(), inverted(8, 8, 1, 2), inverted(8, 12, 2, 4),
        inverted(12, 12, 1, 4), inverted(12, 16, 2, 4), Step(lambda m, x: x.mean([2, 3])), nn.Dropout(0.2),
        nn.Linear(16, 10))


def joined(inputs, more):
    inner = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, more, 3, 1, 1, bias=False))
    return Step(lambda m, x: torch.cat([x, m.inner(x)], 1), inner=inner)


def densenet():
    return (3, 16, 16), nn.Sequential(
        nn.Conv2d(3, 8, 3, 1, 1), joined(8, 6), joined(14, 6), nn.BatchNorm2d(20), nn.ReLU(), nn.Conv2d(20, 12, 1),
        nn.AvgPool2d(2), joined(12, 6), nn.BatchNorm2d(18), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(18, 10))


def layer_norms():
    return (64,), nn.Sequential(nn.Linear(64, 48), nn.LayerNorm(48), nn.ReLU(), nn.Linear(48, 32), nn.LayerNorm(32),
                                nn.PReLU(32), nn.Linear(32, 10))


def attention():
    def heads(x):
        return x.view(x.size(0), 8, 2, 8).transpose(1, 2)

    def way(m, x):
        x = m.embed(x) + m.positions.weight
        weights = torch.softmax(heads(m.query(x)) @ heads(m.key(x)).transpose(-1, -2) / 8 ** 0.5, -1)
        x = x + (weights @ heads(m.value(x))).transpose(1, 2).reshape(x.size(0), 8, 16)
        x = x + m.narrow(m.relu(m.wide(m.norm(x))))
        return m.end(x[:, 0] * 0.5 + x.mean(1))

    return (8, 8), Step(way, embed=nn.Linear(8, 16), positions=nn.Embedding(8, 16), query=nn.Linear(16, 16),
                        key=nn.Linear(16, 16), value=nn.Linear(16, 16, bias=False), norm=nn.LayerNorm(16),
                        wide=nn.Linear(16, 32), relu=nn.ReLU(), narrow=nn.Linear(32, 16), end=nn.Linear(16, 10))


def sequences():
    def way(m, x):
        x = m.leaky((x - 0.4) / torch.tensor([0.2, 0.3, 0.25]).view(1, 3, 1, 1))
        x = m.conv(nn.functional.pad(x, (1, 0, 2, 1))).mean(3)
        x = m.tanh(m.pool(m.group(m.steps(x))))
        return m.end(m.limit(x)[:, :, 1:].flatten(1))

    return (3, 14, 15), Step(way, leaky=nn.LeakyReLU(0.1), conv=nn.Conv2d(3, 8, 3, 2, padding=(1, 0)),
                             steps=nn.Conv1d(8, 6, 3, padding=2, dilation=2, groups=2), group=nn.GroupNorm(2, 6),
                             pool=nn.MaxPool1d(2, ceil_mode=True), tanh=nn.Tanh(), limit=nn.Hardtanh(-0.5, 0.25),
                             end=nn.Linear(24, 10))


def shared():
    return (6, 8), Step(lambda m, x: m.end(m.last(m.norm(m.inner(m.first(m.norm(m.inner(x)))))).flatten(1)),
                        inner=nn.Linear(8, 8), norm=nn.LayerNorm(8), first=nn.ReLU(), last=nn.ReLU(),
                        end=nn.Linear(48, 10))


BREAKPOINTS = {nn.ReLU: [0], nn.ReLU6: [0, 6], nn.PReLU: [0], nn.LeakyReLU: [0], nn.Hardtanh: [-0.5, 0.25]}


def randomized(network):
    """Batch norms as after some training."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.2)
    return network.eval()


def with_pre_activations(network, x):
    """The logits, and of each activation its breakpoints and what came in, in order."""
    seen = []
    hooks = [module.register_forward_hook(lambda m, inputs, _: seen.append((BREAKPOINTS[type(m)], inputs[0].numpy())))
             for module in network.modules() if type(module) in BREAKPOINTS]
    with torch.no_grad():
        logits = network(x).numpy()
    for hook in hooks:
        hook.remove()
    return logits, seen


class Exported(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.here = pathlib.Path(folder.name)

    def export(self, network, x, preserve=False, **more):
        kept = torch.onnx.TrainingMode.PRESERVE if preserve else torch.onnx.TrainingMode.EVAL
        if "dynamo" in inspect.signature(torch.onnx.export).parameters:
            more.setdefault("dynamo", False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(network, x[:1], str(self.here / "net.onnx"), training=kept, **more)

    def agrees(self, make, **more):
        torch.manual_seed(1)
        shape, network = make()
        network, x = randomized(network), torch.randn(INPUTS, *shape)
        logits, seen = with_pre_activations(network, x)
        self.export(network, x, **more)
        model = tessera.load_model(self.here / "net.onnx")
        np.testing.assert_allclose(model.predict(x), logits, atol=TOLERANCE, rtol=0)
        bits = model.encode(x, packed=False)
        self.assertEqual([layer.breakpoints for layer in model.layers], [len(at) for at, _ in seen])
        first = 0
        for at, values in seen:
            values = values.reshape(INPUTS, -1)
            for breakpoint in at:
                ours = bits[:, first:first + values.shape[1]]
                clear = abs(values - breakpoint) > TOLERANCE
                np.testing.assert_array_equal(ours[clear], (values > breakpoint)[clear])
                first += values.shape[1]
        self.assertEqual(first, bits.shape[1])
        return x

    def learns(self, x):
        rng = np.random.default_rng(1)
        np.save(self.here / "x.npy", x.numpy())
        np.save(self.here / "y.npy", rng.integers(0, 10, INPUTS))
        (self.here / "net.cfg").write_text(
            'dataset = { plugin = "npy"; train = "x.npy"; train_labels = "y.npy"; test_fraction = 0.1; layout = "as_is"; };\n'
            'model = { plugin = "onnx"; file = "net.onnx"; };\n'
            "training = { epochs = 1; batch = 16; snapshots = [ 0 ]; };\nprobes = ( \"redundancy\" );\n")
        subprocess.run([os.path.join(build, "tessera"), "run", "net.cfg", "-q", "-o", "out"], cwd=self.here, check=True,
                       stdout=subprocess.DEVNULL)
        with open(self.here / "out" / "results.csv") as file:
            rows = list(csv.DictReader(file))
        self.assertLess(float(rows[1]["model.loss.train"]), float(rows[0]["model.loss.train"]))


def claim(make):
    def test(self):
        x = self.agrees(make)
        self.agrees(make, opset_version=11, dynamic_axes={"x": {0: "n"}}, input_names=["x"])
        self.learns(self.agrees(make, preserve=True) if make is not sequences else x)
    return test


for make in (lenet, resnet18, mobilenet, densenet, layer_norms, attention, sequences, shared):
    setattr(Exported, f"test_{make.__name__}_is_pytorchs", claim(make))

if __name__ == "__main__":
    unittest.main()
