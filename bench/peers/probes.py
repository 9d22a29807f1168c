#!/usr/bin/python3
"""What bench/probe measures, done with faiss, NumPy or scikit-learn on the same codes. Prints a line of JSON: the
least seconds of all times, and what came out where it can be compared.

    probes.py WHAT FOLDER BITS THREADS [TIMES [SEED]]      WHAT: one of the functions below; FOLDER: of probe's `codes`

Reading the codes and making floats of them is not counted. Debian: python3-faiss python3-sklearn
"""
import json
import os
import sys
import time
import warnings

import numpy as np

K = 9
warnings.filterwarnings("ignore")  # L-BFGS stopping at its 100 iterations


def load(folder, name):
    return np.load(os.path.join(folder, name + ".npy"))


def floats(packed, bits):
    return np.unpackbits(packed, axis=1, bitorder="little", count=bits).astype(np.float32)


def faiss(folder, bits, threads, seed):
    import faiss

    faiss.omp_set_num_threads(threads)
    train, test = load(folder, "train"), load(folder, "test")

    def work():
        index = faiss.IndexBinaryFlat(train.shape[1] * 8)
        index.add(train)
        index.search(test, K)

    return work


def neighbors(folder, bits, threads, seed):
    from sklearn.neighbors import KNeighborsClassifier

    train, test = (floats(load(folder, part), bits).astype(bool) for part in ("train", "test"))
    labels, expected = load(folder, "train_labels"), load(folder, "test_labels")

    def work():
        model = KNeighborsClassifier(K, metric="hamming", n_jobs=threads).fit(train, labels)
        return {"test": model.score(test, expected)}

    return work


def unique(folder, bits, threads, seed):
    train = load(folder, "train")
    return lambda: {"train": 1 - len(np.unique(train, axis=0)) / len(train)}


def information(folder, bits, threads, seed):
    train, labels = load(folder, "train"), load(folder, "train_labels")

    def entropy(rows):
        shares = np.unique(rows, axis=0, return_counts=True)[1] / len(rows)
        return float(-(shares * np.log2(shares)).sum())

    def work():
        codes, classes = entropy(train), entropy(labels)
        both = entropy(np.hstack([train, labels[:, None].astype(np.uint8)]))
        return {"entropy.train": codes, "mutual_information.train": classes + codes - both}

    return work


def units(folder, bits, threads, seed):
    both = np.vstack([floats(load(folder, part), bits) for part in ("train", "test")])

    def work():
        codes = both[:, (both.min(axis=0) < both.max(axis=0))].astype(np.float64)
        n = codes.shape[1]
        correlation = np.abs(np.corrcoef(codes, rowvar=False))
        centred = codes - codes.mean(axis=0)
        squares = np.maximum(np.linalg.eigvalsh(centred.T @ centred), 0)
        singular = np.sqrt(squares[squares > n * 1e-15 * squares.max()])
        shares = singular / singular.sum()
        return {
            "correlation": float((correlation.sum() - n) / (n * (n - 1))),
            "effective_rank": float(np.exp(-(shares * np.log(shares)).sum())),
            "stable_rank": float(squares.sum() / squares.max()),
        }

    return work


def retrieval(folder, bits, threads, seed):
    train, test = (floats(load(folder, part), bits) for part in ("train", "test"))
    labels, queries = load(folder, "train_labels"), load(folder, "test_labels")
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1.0, len(train) + 1))])

    def average_precision(distances, own):
        """Mean over all orders of equal distances."""
        counts = np.bincount(distances + (bits + 1) * (labels != own), minlength=2 * bits + 2).reshape(2, -1)
        r, n = counts[0].astype(float), counts.sum(axis=0)
        rb, b = np.cumsum(r) - r, np.cumsum(n) - n
        s = harmonic[b + n] - harmonic[b]
        more = np.where(n > 1, (r - 1) / np.maximum(n - 1, 1) * (n - (b + 1) * s), 0)
        return float((r / np.maximum(n, 1) * ((rb + 1) * s + more)).sum() / r.sum())

    def work():
        ones, total = train.sum(axis=1), 0.0
        for first in range(0, len(test), 500):
            block = test[first : first + 500]
            near = block.sum(axis=1)[:, None] + ones - 2 * (block @ train.T)
            total += sum(map(average_precision, near.astype(np.int64), queries[first : first + 500]))
        return {"map": total / len(test)}

    return work


def kmeans(folder, bits, threads, seed):
    from sklearn.cluster import KMeans

    train = floats(load(folder, "train"), bits)
    return lambda: {"train_inertia": float(KMeans(10, n_init=10, random_state=seed).fit(train).inertia_)}


def logistic_regression(folder, bits, threads, seed):
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsOneClassifier

    train, labels = floats(load(folder, "train"), bits), load(folder, "train_labels")
    test, expected = floats(load(folder, "test"), bits), load(folder, "test_labels")
    model = OneVsOneClassifier(LogisticRegression(), n_jobs=threads)

    def work():
        model.fit(train, labels)

    work.after = lambda: {"test": model.score(test, expected)}
    return work


def main():
    what, folder, bits, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    times = int(sys.argv[5]) if len(sys.argv) > 5 else 1
    seed = int(sys.argv[6]) if len(sys.argv) > 6 else 0
    try:
        work = globals()[what](folder, bits, threads, seed)
    except ImportError as missing:
        print(f"skipped: {missing}", file=sys.stderr)
        sys.exit(77)
    least, result = float("inf"), None
    for _ in range(times):
        start = time.perf_counter()
        result = work()
        least = min(least, time.perf_counter() - start)
    result = work.after() if hasattr(work, "after") else result
    print(json.dumps({**(result or {}), "seconds": least}))


if __name__ == "__main__":
    main()
