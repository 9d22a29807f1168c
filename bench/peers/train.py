#!/usr/bin/python3
"""Trains a multilayer perceptron with PyTorch as peers/pipeline.py does, which it takes the parts from, and prints
a line of JSON: the seconds of one epoch, reading the data not counted.

    train.py DATA WIDTH DEPTH EPOCHS THREADS [RUNS]

DATA: a folder with MNIST's or CIFAR-10's files. RUNS trainings share as many processes as there are cores; then
`seconds` are those from the first one's start to the last one's end, by run. Debian: python3-torch
"""
import json
import multiprocessing
import os
import sys
import time

try:
    import numpy as np
    import pipeline
    import torch
    from torch import nn
except ImportError as missing:
    print(f"skipped: {missing}", file=sys.stderr)
    sys.exit(77)

RECORD = 1 + 3 * 32 * 32
data = None


def read(folder):
    """The first 80 % of the training images, as floats, and their labels."""
    if os.path.exists(os.path.join(folder, "data_batch_1.bin")):
        files = [np.fromfile(os.path.join(folder, f"data_batch_{i}.bin"), np.uint8) for i in range(1, 6)]
        records = np.concatenate(files).reshape(-1, RECORD)
        x, y = torch.from_numpy(records[:, 1:].astype(np.float32) / 255), torch.from_numpy(records[:, 0].astype(np.int64))
    else:
        x, y = pipeline.read_part(folder, "train")
    kept = len(x) * 4 // 5
    return x[:kept], y[:kept]


def make_network(inputs, width, depth):
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(inputs, width), nn.BatchNorm1d(width, eps=1e-3, momentum=0.01), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, 10))


def train(width, depth, epochs, threads, seed):
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    network = make_network(data[0].shape[1], width, depth)
    pipeline.train(network, *data, epochs)


def main():
    folder, numbers = os.path.expanduser(sys.argv[1]), [int(number) for number in sys.argv[2:]]
    width, depth, epochs, threads = numbers[:4]
    runs = numbers[4] if len(numbers) > 4 else 1
    global data  # processes share it
    data = read(folder)
    start = time.perf_counter()
    if runs == 1:
        train(width, depth, epochs, threads, 0)
        seconds = (time.perf_counter() - start) / epochs
    else:
        with multiprocessing.Pool(len(os.sched_getaffinity(0))) as pool:
            pool.starmap(train, [(width, depth, epochs, threads, seed) for seed in range(runs)], chunksize=1)
        seconds = (time.perf_counter() - start) / runs
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
