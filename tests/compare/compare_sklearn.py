"""Compares what the probes say of a run's saved codes with NumPy and scikit-learn.

    compare_sklearn.py RUN...     run folders, DIR/runs/<id>

A run must have its codes saved and the probes redundancy, kmeans, logistic_regression (all by default) and knn
with predictions = true. Prints a line per claim; exits with 1 if one does not hold, 77 without scikit-learn.
"""
import json
import pathlib
import sys
import warnings

try:
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsOneClassifier
    from sklearn.neighbors import KNeighborsClassifier
except ImportError as missing:
    print(f"skipped: {missing} (Debian: python3-sklearn)")
    sys.exit(77)

NEIGHBOURS = 9
ACCURACY_TOLERANCE = 0.003  # 0.3 points
INERTIA_TOLERANCE = 0.02


class Run:
    """A run's codes as arrays of 0 and 1, its labels, and the metrics of its last snapshot."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        outcome = json.loads((self.folder / "run.json").read_text())
        self.metrics = outcome["snapshots"][-1]["metrics"]
        self.restarts = next(p["restarts"] for p in outcome["config"]["probes"] if p["plugin"] == "kmeans")
        self.bits = int(self.metrics["code.bits"])
        self.codes = {part: self._codes(part) for part in ("train", "test")}
        self.labels = {part: np.load(self.folder / f"codes/{part}_labels.npy") for part in ("train", "test")}

    def _codes(self, part):
        packed = np.load(self.folder / f"codes/{part}.npy")
        assert packed.dtype == np.uint8 and packed.shape[1] == (self.bits + 7) // 8, (packed.dtype, packed.shape)
        return np.unpackbits(packed, axis=1, bitorder="little", count=self.bits)

    def predictions(self):
        """Of the k-NN probe at the last snapshot: folders are named by epoch."""
        files = sorted(self.folder.rglob("knn_predictions.npy"), key=lambda file: (len(file.parent.name), file))
        if not files:
            sys.exit(f"{self.folder}: no knn_predictions.npy: run the probe knn with predictions = true")
        return np.load(files[-1])


def check_bits(run):
    both = np.concatenate([run.codes["train"], run.codes["test"]])
    constant = int(np.sum(both.min(axis=0) == both.max(axis=0)))
    yield f"{run.bits} bits, {constant} of them constant over both sets", constant == 0


def check_redundancy(run):
    for part, codes in run.codes.items():
        n, distinct = len(codes), len(np.unique(codes, axis=0))
        ours = run.metrics[f"redundancy.{part}"]
        exact = ours == 1 - distinct / n
        yield f"redundancy.{part} {ours:.6f}: {distinct} distinct codes of {n}", exact


def stated_vote(distances, labels):
    """By count, then the smaller distance sum, then the smaller class; neighbours by distance, then index."""
    nearest = np.lexsort((np.arange(len(distances)), distances))[:NEIGHBOURS]
    classes = np.unique(labels[nearest])
    return min(classes, key=lambda c: (-np.sum(labels[nearest] == c), distances[nearest][labels[nearest] == c].sum(), c))


def is_tie(distances, labels):
    """Whether the rule for ties decides: at the k-th distance, or between classes of as many votes."""
    ascending = np.sort(distances)
    if len(ascending) > NEIGHBOURS and ascending[NEIGHBOURS - 1] == ascending[NEIGHBOURS]:
        return True
    votes = np.sort(np.bincount(labels[np.argsort(distances, kind="stable")[:NEIGHBOURS]]))
    return len(votes) > 1 and votes[-1] == votes[-2]


def check_knn(run):
    train, test, labels = run.codes["train"], run.codes["test"], run.labels["train"]
    theirs = KNeighborsClassifier(NEIGHBOURS, metric="hamming").fit(train, labels).predict(test)
    ours, unexplained, broken = run.predictions(), 0, 0
    for i, code in enumerate(test):
        distances = np.sum(train != code, axis=1)
        broken += ours[i] != stated_vote(distances, labels)
        unexplained += ours[i] != theirs[i] and not is_tie(distances, labels)
    differ = int(np.sum(ours != theirs))
    yield f"k-NN: {len(test)} predictions, {differ} other than scikit-learn's, {unexplained} without a tie", unexplained == 0
    yield f"k-NN: {broken} predictions against the stated rule for ties", broken == 0
    accuracy = run.metrics["knn.test"]
    yield f"knn.test {accuracy:.6f}: that of its predictions", accuracy == np.mean(ours == run.labels["test"])


def check_logistic_regression(run):
    model = OneVsOneClassifier(LogisticRegression()).fit(run.codes["train"], run.labels["train"])
    for part, codes in run.codes.items():
        ours, theirs = run.metrics[f"logistic_regression.{part}"], model.score(codes, run.labels[part])
        yield f"logistic_regression.{part} {ours:.6f}: scikit-learn {theirs:.6f}", abs(ours - theirs) <= ACCURACY_TOLERANCE


def check_kmeans(run):
    for part, codes in run.codes.items():
        classes = len(np.unique(np.concatenate(list(run.labels.values()))))
        theirs = KMeans(classes, n_init=run.restarts, random_state=0).fit(codes.astype(float)).inertia_
        ours = run.metrics[f"kmeans.{part}_inertia"]
        yield f"kmeans.{part}_inertia {ours:.2f}: scikit-learn {theirs:.2f}", abs(ours - theirs) <= INERTIA_TOLERANCE * theirs


def main(folders):
    if not folders:
        sys.exit(__doc__)
    warnings.filterwarnings("ignore")  # lbfgs stopping at its 100 iterations, fewer distinct codes than clusters
    failed = 0
    for folder in folders:
        run = Run(folder)
        for check in (check_bits, check_redundancy, check_knn, check_logistic_regression, check_kmeans):
            for claim, holds in check(run):
                print("ok  " if holds else "FAIL", claim)
                failed += not holds
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
