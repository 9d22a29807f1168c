#!/usr/bin/python3
"""The paper's MLP study as one would write it with PyTorch and scikit-learn: for every width and seed a network
is trained, its neural codes are taken, and the codes are measured. It shares no code with Tessera, so the two
check each other (see README.md beside this folder). Debian: apt-get install python3-torch python3-sklearn

    pipeline.py --data ~/.cache/tessera/mnist --widths 10 30 40 100 --epochs 20 --seeds 1 2 3 --out peer.csv
"""
import argparse
import csv
import gzip
import os

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsOneClassifier
from sklearn.neighbors import KNeighborsClassifier
from torch import nn
from torch.nn import functional as F

BATCH, LEARNING_RATE, L2, EARLY_STOP = 64, 0.01, 1e-6, 10


def read_idx(folder, name):
    """An IDX file, plain or gzip: two zero bytes, the type (8: bytes), the number of sizes, the sizes, the data."""
    path = os.path.join(os.path.expanduser(folder), name)
    opened = open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz")
    with opened as file:
        data = file.read()
    assert data[:3] == b"\0\0\x08", f"{path} is no IDX file of bytes"
    shape = np.frombuffer(data, ">i4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def read_part(folder, part):
    images = read_idx(folder, f"{part}-images-idx3-ubyte")
    labels = read_idx(folder, f"{part}-labels-idx1-ubyte")
    inputs = torch.from_numpy(images.reshape(len(images), -1).astype(np.float32) / 255)
    return inputs, torch.from_numpy(labels.astype(np.int64))


def make_network(inputs, width, classes):
    network = nn.Sequential(
        nn.Linear(inputs, width),
        nn.BatchNorm1d(width, eps=1e-3, momentum=0.01),
        nn.ReLU(),
        nn.Linear(width, classes),
    )
    for dense in (network[0], network[3]):
        nn.init.xavier_uniform_(dense.weight)
        nn.init.zeros_(dense.bias)
    return network


def train(network, x, y, epochs):
    """Returns the number of epochs done: training ends when the loss has not improved for EARLY_STOP of them."""
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=20, gamma=0.1)
    best, best_epoch = float("inf"), 0
    for epoch in range(1, epochs + 1):
        network.train()
        total = 0.0
        for batch in torch.randperm(len(x)).split(BATCH):
            loss = F.cross_entropy(network(x[batch]), y[batch]) + L2 * network[0].weight.square().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        schedule.step()
        if total < best:
            best, best_epoch = total, epoch
        elif epoch - best_epoch >= EARLY_STOP:
            return epoch
    return epochs


@torch.no_grad()
def evaluate(network, x, y):
    network.eval()
    logits = network(x)
    return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).double().mean().item()


@torch.no_grad()
def codes_of(network, x):
    """One bit per hidden unit: is its pre-activation, what the ReLU gets, positive?"""
    network.eval()
    return (network[:2](x) > 0).numpy().astype(np.uint8)


def redundancy(codes):
    return 1 - len(np.unique(np.packbits(codes, axis=1), axis=0)) / len(codes)


def kmeans(codes, labels, seed):
    """Each cluster stands for the class that it holds most of."""
    clusters = KMeans(10, n_init=10, random_state=seed).fit_predict(codes.astype(np.float32))
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (clusters, labels), 1)
    return counts.max(axis=1).sum() / len(labels)


def measure(train_codes, train_labels, test_codes, test_labels, seed):
    knn = KNeighborsClassifier(9, metric="hamming", algorithm="brute", n_jobs=-1)
    regression = OneVsOneClassifier(LogisticRegression(C=1.0, max_iter=100))
    knn.fit(train_codes, train_labels)
    regression.fit(train_codes, train_labels)
    return {
        "redundancy.train": redundancy(train_codes),
        "redundancy.test": redundancy(test_codes),
        "kmeans.train": kmeans(train_codes, train_labels, seed),
        "kmeans.test": kmeans(test_codes, test_labels, seed),
        "knn.test": knn.score(test_codes, test_labels),
        "logistic_regression.train": regression.score(train_codes, train_labels),
        "logistic_regression.test": regression.score(test_codes, test_labels),
    }


def run(data, width, seed, epochs):
    """One row: trains on the first 80 % of the training images, probes the codes of these and of the test images."""
    torch.manual_seed(seed)
    (x, y), (test_x, test_y) = data
    kept = len(x) * 4 // 5
    x, y = x[:kept], y[:kept]
    network = make_network(x.shape[1], width, 10)
    done = train(network, x, y, epochs)
    loss, accuracy = evaluate(network, x, y)
    codes, test_codes = codes_of(network, x), codes_of(network, test_x)
    both = np.concatenate([codes, test_codes])
    varies = both.min(axis=0) != both.max(axis=0)  # the other bits are constant
    return {
        "model.width": width,
        "seed": seed,
        "epoch": done,
        "model.loss.train": loss,
        "model.accuracy.train": accuracy,
        "model.accuracy.test": evaluate(network, test_x, test_y)[1],
        "code.bits": int(varies.sum()),
        **measure(codes[:, varies], y.numpy(), test_codes[:, varies], test_y.numpy(), seed),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with the four IDX files")
    parser.add_argument("--widths", type=int, nargs="+", required=True)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--out", required=True, help="the CSV file to write, with results.csv's column names")
    args = parser.parse_args()
    data = read_part(args.data, "train"), read_part(args.data, "t10k")
    with open(args.out, "w", newline="") as file:
        writer = None
        for width in args.widths:
            for seed in args.seeds:
                row = run(data, width, seed, args.epochs)
                if not writer:
                    writer = csv.DictWriter(file, row.keys())
                    writer.writeheader()
                writer.writerow(row)
                file.flush()
                print(row, flush=True)


if __name__ == "__main__":
    main()
