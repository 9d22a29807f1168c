#!/usr/bin/python3
"""What the probes regions and slice measure, as one would write it with PyTorch and NumPy, on a network that a run of
Tessera saved. Prints a line of JSON: seconds, and what came out where it can be compared.

    geometry.py regions RUN DATA THREADS    lengths along four directions, by codes at 200 points (the paper's code)
    geometry.py slice RUN DATA THREADS      the cells of the plane that the run's probe took, cut layer by layer

RUN: the run's folder; DATA: a folder with MNIST's files. Debian: python3-torch
"""
import glob
import json
import os
import sys
import time

try:
    import numpy as np
    import pipeline
    import torch
except ImportError as missing:
    print(f"skipped: {missing}", file=sys.stderr)
    sys.exit(77)

STEP, POINTS, AT_ONCE = 0.05, 200, 50
TIE = 1e-10


def read_model(run):
    """Each layer as weights and biases in double, batch norm folded in."""
    with open(os.path.join(run, "model.safetensors"), "rb") as file:
        data = file.read()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__")
    t = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        values = np.frombuffer(data[8 + length + first : 8 + length + end], np.float32)
        t[name] = values.reshape(entry["shape"]).astype(np.float64)
    layers = []
    for i in range(sum(name.endswith("running_var") for name in t)):
        factor = t[f"norm.{i}.weight"] / np.sqrt(t[f"norm.{i}.running_var"] + 1e-3)
        bias = (t[f"hidden.{i}.bias"] - t[f"norm.{i}.running_mean"]) * factor + t[f"norm.{i}.bias"]
        layers.append((t[f"hidden.{i}.weight"] * factor[:, None], bias))
    return layers


def directions(x, y, mean, generator):
    """Towards the mean, anywhere, to another example of the class, and of another class."""
    yield mean - x
    yield torch.randn(x.shape, generator=generator)
    for same in (True, False):
        to = torch.empty_like(x)
        for label in range(10):
            chosen = torch.nonzero(y == label)[:, 0]
            pool = chosen if same else torch.nonzero(y != label)[:, 0]
            to[chosen] = x[pool[torch.randint(len(pool), (len(chosen),), generator=generator)]]
        yield to - x


def regions(run, data):
    layers = [(torch.from_numpy(w).float(), torch.from_numpy(b).float()) for w, b in read_model(run)]
    x, y = pipeline.read_part(data, "t10k")
    distances = STEP * (torch.arange(POINTS) - POINTS // 2)

    def code(points):
        bits = []
        for weight, bias in layers:
            points = torch.addmm(bias, points, weight.T)
            bits.append(points > 0)
            points = points.relu()
        return torch.cat(bits, dim=1)

    def lengths(u):
        u = u / u.norm(dim=1, keepdim=True)
        for first in range(0, len(x), AT_ONCE):
            own, along = x[first : first + AT_ONCE], u[first : first + AT_ONCE]
            points = own[:, None] + distances[None, :, None] * along[:, None]
            codes = code(points.reshape(-1, x.shape[1])).reshape(len(own), POINTS, -1)
            same = (codes == code(own)[:, None]).all(dim=2)
            yield STEP * same.sum(dim=1).double()

    generator = torch.Generator().manual_seed(1)
    means = [torch.cat(list(lengths(u))).nanmean().item() for u in directions(x, y, x.mean(dim=0), generator)]
    return {"centre": means[0], "random": means[1]}


def split(polygon, value):
    """The corners above and below, the line's own in both."""
    above, below = [], []
    for i in range(len(polygon)):
        j = (i + 1) % len(polygon)
        side, then = (0 if abs(v) <= TIE else v for v in (value[i], value[j]))
        if side >= 0:
            above.append(polygon[i])
        if side <= 0:
            below.append(polygon[i])
        if side * then < 0:
            t = value[i] / (value[i] - value[j])
            point = polygon[i] + t * (polygon[j] - polygon[i])
            above.append(point)
            below.append(point)
    return np.array(above), np.array(below)


def slice(run, data):
    (folder,) = glob.glob(os.path.join(run, "probes/slice/epoch-*"))
    origin, u, v = np.load(os.path.join(folder, "slice_plane.npy"))
    half = np.load(os.path.join(folder, "slice_vertices.npy"))[:, 1].max()
    square = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
    cells = [(square, np.stack([u, v], axis=1), origin)]  # a polygon, and what comes in: map @ place + offset
    for weight, bias in read_model(run):
        finer = []
        for polygon, into, offset in cells:
            slopes, at_zero = weight @ into, weight @ offset + bias
            length = np.linalg.norm(slopes, axis=1) + 1e-300
            parts = [polygon]
            heights = (polygon @ slopes.T + at_zero) / length
            for unit in np.nonzero((heights.min(axis=0) < -TIE) & (heights.max(axis=0) > TIE))[0]:
                next_parts = []
                for part in parts:
                    value = (part @ slopes[unit] + at_zero[unit]) / length[unit]
                    next_parts += split(part, value) if value.min() < -TIE and value.max() > TIE else [part]
                parts = next_parts
            for part in parts:
                on = (slopes @ part.mean(axis=0) + at_zero > 0).astype(np.float64)
                finer.append((part, slopes * on[:, None], at_zero * on))
        cells = finer
    return {"cells": len(cells)}


def main():
    what, run, data, threads = sys.argv[1], sys.argv[2], os.path.expanduser(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(threads)
    start = time.perf_counter()
    found = {"regions": regions, "slice": slice}[what](run, data)
    print(json.dumps({"seconds": time.perf_counter() - start, **found}))


if __name__ == "__main__":
    main()
