"""Models across programs: NumPy writes random weights of a 64-16-10 perceptron as safetensors and works out codes
and accuracy on the digits itself; tessera, probing that file without training, must find the same. Then the other
way round, with a model that tessera trained."""
import csv
import glob
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np

PROGRAM = os.path.join(os.environ["TSR_BUILD"], "tessera")
DIGITS = os.path.join(os.environ["TSR_SOURCE"], "plugins", "datasets", "digits.csv")
TRAIN = 1437
EPSILON = 1e-3  # of batch norm
PYTORCH_EPSILON = 1e-5  # assumed for files that tessera did not write
failures = []
CONFIG = """name = "weights";
dataset = { plugin = "digits"; };
model = { plugin = "mlp"; width = 16; };
training = { epochs = 0; };
probes = ( { plugin = "redundancy"; } );
output = { save_model = true; save_codes = true; };
"""


def claim(what, holds):
    if not holds:
        failures.append(what)


def write_safetensors(path, arrays):
    header, offset = {}, 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(a.astype("<f4").tobytes() for a in arrays.values()))


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__"}


def random_weights(seed):
    rng = np.random.default_rng(seed)
    f = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    return {"hidden.0.weight": f(16, 64), "hidden.0.bias": f(16), "norm.0.weight": f(16), "norm.0.bias": f(16),
            "norm.0.running_mean": f(16), "norm.0.running_var": np.exp(f(16)), "output.weight": f(10, 16),
            "output.bias": f(10)}


def digits():
    table = np.loadtxt(DIGITS, delimiter=",", comments="#")
    return table[:, :64] / 16, table[:, 64].astype(int)


def forward(arrays, x, epsilon):
    """Pre-activations of the hidden units, and the logits, in float64."""
    a = {name: array.astype(np.float64) for name, array in arrays.items()}
    x = x @ a["hidden.0.weight"].T + a["hidden.0.bias"]
    x = (x - a["norm.0.running_mean"]) / np.sqrt(a["norm.0.running_var"] + epsilon)
    x = x * a["norm.0.weight"] + a["norm.0.bias"]
    return x, np.maximum(x, 0) @ a["output.weight"].T + a["output.bias"]


def expected_metrics(arrays, epsilon):
    x, y = digits()
    units, logits = forward(arrays, x, epsilon)
    claim("no unit is so near 0 that float32 could see it on the other side", np.abs(units).min() > 1e-6)
    log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    bits, metrics = units > 0, {}
    for name, part in (("train", slice(0, TRAIN)), ("test", slice(TRAIN, None))):
        metrics["model.accuracy." + name] = np.mean(logits[part].argmax(axis=1) == y[part])
        n = len(bits[part])
        metrics["redundancy." + name] = (n - len(np.unique(bits[part], axis=0))) / n
    metrics["model.loss.train"] = -log_softmax[np.arange(TRAIN), y[:TRAIN]].mean()
    bits = bits[:, bits.any(axis=0) & ~bits.all(axis=0)]
    metrics["code.bits"] = bits.shape[1]
    return metrics, bits


def run(*arguments):
    return subprocess.run([PROGRAM, "run", "-q", *arguments], capture_output=True, text=True)


def results(folder):
    with open(os.path.join(folder, "results.csv"), newline="") as file:
        return list(csv.DictReader(file))[-1]


def only(pattern):
    found = glob.glob(pattern)
    claim(f"{pattern} is one file, not {len(found)}", len(found) == 1)
    return found[0]


def compare(what, folder, arrays, epsilon):
    row, (metrics, bits) = results(folder), expected_metrics(arrays, epsilon)
    for name, value in metrics.items():
        near = abs(float(row[name]) - value) <= (1e-5 * value if name == "model.loss.train" else 1e-12)
        claim(f"{what}: {name} is {row[name]}, and {value} by NumPy", near)
    claim(f"{what}: redundancy says something", 0 < metrics["redundancy.train"] < 1)
    for name, part in (("train", bits[:TRAIN]), ("test", bits[TRAIN:])):
        packed = np.load(only(f"{folder}/runs/*/codes/{name}.npy"))
        codes = np.unpackbits(packed, axis=1, bitorder="little", count=bits.shape[1])
        claim(f"{what}: the {name} codes are NumPy's", np.array_equal(codes, part))


def main():
    with open("weights.cfg", "w") as file:
        file.write(CONFIG)
    ours = random_weights(1)
    write_safetensors("random.safetensors", ours)
    setting = "model.weights=random.safetensors"
    result = run("weights.cfg", "-o", "theirs", "-s", setting)
    claim(f"weights that NumPy wrote are probed: {result.stderr}", result.returncode == 0)
    claim(f"the epsilon that is assumed is named: {result.stderr}", "epsilon = 1e-05" in result.stderr)
    compare("NumPy's weights", "theirs", ours, PYTORCH_EPSILON)
    saved = read_safetensors(only("theirs/runs/*/model.safetensors"))
    claim("what tessera loaded it saves to the last bit",
          saved.keys() == ours.keys() and all(np.array_equal(saved[name], ours[name]) for name in ours))

    result = run("weights.cfg", "-o", "trained", "-s", "training.epochs=3")
    claim(f"a model is trained: {result.stderr}", result.returncode == 0)
    compare("tessera's weights", "trained", read_safetensors(only("trained/runs/*/model.safetensors")), EPSILON)

    before = results("theirs")
    result = run("theirs/config.cfg", "-o", "theirs")
    claim(f"config.cfg names the same run: {result.stderr}", result.returncode == 0 and results("theirs") == before)
    write_safetensors("random.safetensors", random_weights(2))
    result = run("weights.cfg", "-o", "theirs", "-s", setting)
    after = results("theirs")
    claim("another content of the file is another run", before["run"] != after["run"] and
          before["model.loss.train"] != after["model.loss.train"])

    result = run("weights.cfg", "-o", "refused", "-s", setting, "-s", "model.width=17")
    claim(f"weights that do not fit are refused before any work: {result.stderr}",
          result.returncode == 2 and not os.path.exists("refused") and
          "tensor hidden.0.weight: its shape is [16, 64], expected [17, 64]" in result.stderr)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    main()
    os.chdir("/")
for failure in failures:
    print("FAILED:", failure)
sys.exit(1 if failures else 0)
