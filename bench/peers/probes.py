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
