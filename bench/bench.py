#!/usr/bin/python3
"""Times Tessera and its peers in alternation on this machine and prints medians and ratios.

    bench.py BUILD [ROW...] [--out FILE] [--rounds N]      BUILD: the build folder; ROW: the beginning of names
    bench.py BUILD [ROW...] --instructions                 counts instructions of the probes by callgrind instead

A peer runs once with one thread and once with two, then on with the better. One that is not installed is skipped.
A row is one declaration below. Data sets come from tools/get-data; codes are made by bench/probe.
"""
import argparse
import dataclasses
import datetime
import glob
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CORES = len(os.sched_getaffinity(0))
SKIPPED = 77
EXAMPLES = 48000, 40000  # that train: 80 % of MNIST's and of CIFAR-10's
EVALUATIONS = 101  # of the logistic regression at least: one more than its iterations
BUILD = None


class Skip(Exception):
    """A side that cannot be measured here, with the reason."""


def environment(threads):
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "TESSERA_PLUGIN_PATH": os.path.join(BUILD, "plugins"),
    }


def run(command, threads):
    """What the command prints; its last line, if it can be read, as JSON."""
    done = subprocess.run(command, env=environment(threads), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode == SKIPPED:
        raise Skip(done.stderr.strip().removeprefix("skipped: "))
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr}")
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}


def peer_command(script, *arguments):
    return ["/usr/bin/python3", os.path.join(HERE, "peers", script), *map(str, arguments)]


def data_folder(name):
    folder = os.path.expanduser(f"~/.cache/tessera/{name}")
    if not os.path.isdir(folder):
        raise Skip(f"no data: tools/get-data {name}")
    return folder


@dataclasses.dataclass
class Codes:
    """A probe on made codes, and what a peer does with the same; `times` runs in each process, the least counts.
    What draws, draws anew in each round."""

    train: int
    test: int
    bits: int
    settings: str
    what: str
    times: int = 1

    def probe(self, *arguments):
        return [os.path.join(BUILD, "bench/probe"), *map(str, (self.train, self.test, self.bits, *arguments))]

    def ours(self, number):
        return run(self.probe(self.settings, self.times, number), CORES)

    def folder(self):
        """Where the codes are, made when they are first wanted."""
        folder = os.path.join(BUILD, f"bench/codes-{self.train}-{self.test}-{self.bits}")
        if not os.path.exists(folder):
            os.makedirs(folder)
            run(self.probe("codes", folder), CORES)
        return folder

    def peer(self, threads, number):
        return run(peer_command("probes.py", self.what, self.folder(), self.bits, threads, self.times, number), threads)


@dataclasses.dataclass
class Command(Codes):
    """`tessera probe` on files of codes, start and reading included, and the peer's search alone."""

    def ours(self, _):
        folder = self.folder()
        files = [os.path.join(folder, name + ".npy") for name in ("train", "train_labels", "test", "test_labels")]
        start = time.perf_counter()
        run([os.path.join(BUILD, "tessera"), "probe", "--train", *files[:2], "--test", *files[2:], "--bits",
             str(self.bits), "-s", f"probes=({{ {self.settings} }})"], CORES)
        return {"seconds": time.perf_counter() - start}


@dataclasses.dataclass
class Python(Codes):
    """tessera.nearest of the Python package, and bench/probe."""

    def ours(self, _):
        return run(peer_command("nearest.py", self.folder(), BUILD, self.times), CORES)

    def peer(self, threads, number):
        if threads < CORES:
            raise Skip("as many threads as ours")
        return run(self.probe(self.settings, self.times, number), CORES)


@dataclasses.dataclass
class Beside(Codes):
    """A probe and another one, `what` its settings, on the same codes."""

    def peer(self, threads, number):
        if threads < CORES:
            raise Skip("as many threads as ours")
        return run(self.probe(self.what, self.times, number), CORES)


@dataclasses.dataclass
class Training:
    """Epochs of a network: seconds of one; with `runs` of them side by side, seconds by run from start to end."""

    config: str
    data: str
    width: int
    depth: int
    epochs: int
    runs: int = 1

    def ours(self, _):
        data_folder(self.data)
        settings = [f"model.width={self.width}", f"training.epochs={self.epochs}", f"replicates={self.runs}"]
        seconds, outcomes = tessera(self.config, settings, [] if self.runs > 1 else ["-j", "1"])
        if self.runs > 1:
            return {"seconds": seconds / self.runs}
        return {"seconds": outcomes[0]["seconds"]["training"] / self.epochs}

    def peer(self, threads, _):
        if self.runs > 1 and threads > 1:
            raise Skip("a process of one thread per core")
        numbers = self.width, self.depth, self.epochs, threads
        return run(peer_command("train.py", data_folder(self.data), *numbers, self.runs), threads)


@dataclasses.dataclass
class Network:
    """A training step, or a batch of inference, of a convolutional network on random images of CIFAR-10's size."""

    peer_name: str
    model: str
    mode: str
    times: int
    batch: int = 64

    def ours(self, _):
        command = [os.path.join(BUILD, "bench/network"), self.model, self.batch, self.times, self.mode]
        return run([*map(str, command)], CORES)

    def peer(self, threads, _):
        return run(peer_command("conv.py", self.peer_name, self.batch, self.times, self.mode, threads), threads)


@dataclasses.dataclass
class Geometry:
    """A probe that follows a network along lines, on one trained on MNIST, which stays for the peer."""

    what: str
    depth: int
    settings: str

    def folder(self):
        return os.path.join(BUILD, f"bench/geometry-{self.what}")

    def run_folder(self):
        (only,) = glob.glob(os.path.join(self.folder(), "runs/*"))
        return only

    def ours(self, _):
        data_folder("mnist")
        settings = [f"model.depth={self.depth}", "training.epochs=2", "output.save_model=true",
                    f'probes=({{ plugin="{self.what}"; {self.settings} }})']
        command = [os.path.join(BUILD, "tessera"), "run", os.path.join(HERE, "mnist.cfg"), "-q", "--fresh"]
        run([*command, "-o", self.folder(), *(word for setting in settings for word in ("-s", setting))], CORES)
        record = json.load(open(os.path.join(self.run_folder(), "run.json")))
        return {"seconds": record["seconds"]["probes"][self.what], **record["snapshots"][-1]["metrics"]}

    def peer(self, threads, _):
        return run(peer_command("geometry.py", self.what, self.run_folder(), data_folder("mnist"), threads), threads)


class Study:
    """Everything from the data to the metrics; the peer's widths are dealt to two processes of one thread."""

    def ours(self, _):
        data_folder("mnist")
        return {"seconds": tessera("study.cfg", [], [])[0]}

    def peer(self, threads, _):
        if threads > 1:
            raise Skip("a process of one thread per core")
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            common = ("--data", data_folder("mnist"), "--epochs", 20, "--out")
            processes = []
            for widths in ((20, 100), (40, 60)):
                command = peer_command("pipeline.py", *common, f"{folder}/{widths[0]}.csv", "--widths", *widths)
                processes.append(subprocess.Popen(command, env=environment(1), stdout=subprocess.DEVNULL))
            for process in processes:
                if process.wait():
                    raise Skip("peers/pipeline.py did not succeed")
        return {"seconds": time.perf_counter() - start}


def tessera(config, settings, options):
    """Seconds of a `tessera run` and what its run.json files say."""
    with tempfile.TemporaryDirectory() as folder:
        command = [os.path.join(BUILD, "tessera"), "run", os.path.join(HERE, config), "-q", "-o", folder, *options]
        start = time.perf_counter()
        run([*command, *(word for setting in settings for word in ("-s", setting))], CORES)
        seconds = time.perf_counter() - start
        files = [os.path.join(folder, "runs", run_id, "run.json") for run_id in os.listdir(os.path.join(folder, "runs"))]
        return seconds, [json.load(open(file)) for file in files]


def same_accuracy(ours, peer):
    mine, theirs = ours[-1]["test"], peer[-1]["test"]
    return f"accuracy {mine:.4f} and {theirs:.4f}", abs(mine - theirs) <= 0.002


def no_more_inertia(ours, peer):
    mine, theirs = (statistics.mean(outcome["train_inertia"] for outcome in side) for side in (ours, peer))
    return f"inertia {mine:.0f} and {theirs:.0f}, means of all rounds", mine <= theirs


def same_metrics(*names):
    """A check that both sides gave these metrics alike."""

    def check(ours, peer):
        alike = all(abs(ours[-1][name] - peer[-1][name]) <= 1e-6 * (1 + abs(peer[-1][name])) for name in names)
        return ", ".join(f"{name} {ours[-1][name]:.6g} and {peer[-1][name]:.6g}" for name in names), alike

    return check


def same_redundancy(ours, peer):
    mine, theirs = ours[-1]["train"], peer[-1]["train"]
    return f"redundancy {mine:.6f} and {theirs:.6f}", abs(mine - theirs) < 1e-9


def same_lengths(ours, peer):
    mine, theirs = ours[-1]["regions.random.test"], peer[-1]["random"]
    return f"random direction {mine:.4f} and, by steps, {theirs:.4f}", abs(mine - theirs) <= 0.03 * mine


def same_cells(ours, peer):
    mine, theirs = ours[-1]["slice.cells"], peer[-1]["cells"]
    return f"cells {mine:.0f} and {theirs:.0f}", mine == theirs


@dataclasses.dataclass
class Row:
    name: str
    work: str
    peer: str
    floor: float
    sides: object  # ours(round) and peer(threads, round), which give {"seconds": ...}
    rounds: int = 5
    limit: tuple = None  # what limits it, the rate's name in limits' line, how much of it the work takes
    check: object = None  # of what both sides gave in all rounds


def epoch_flops(examples, layers):
    """Multiplications and additions forwards and twice backwards; nothing is passed back to the inputs."""
    products = [a * b for a, b in zip(layers, layers[1:])]
    return examples * (6 * sum(products) - 2 * products[0])


def popcounts(train, test, bits):
    return ("counting every word of every pair", "popcounts", train * test * (bits + 63) // 64)


def row_bytes(train, bits):
    return ("reading the codes once", "bytes", train * bits / 8)


def lookups(train, bits):
    return ("a vector addition per 4 bits and row, both ways, 101 times", "adds", EVALUATIONS * train * bits / 2)


def assignments(train, bits, restarts):
    what = "assigning every row once in each restart, a vector addition per 4 bits; the data say how often more"
    return (what, "adds", restarts * train * bits / 4)


KNN, REDUNDANCY = 'plugin = "knn"; k = 9;', 'plugin = "redundancy";'
INFORMATION, UNITS = 'plugin = "information";', 'plugin = "units";'
RETRIEVAL = 'plugin = "retrieval"; k = 100;'
KMEANS, LOGISTIC = 'plugin = "kmeans"; k = 10; restarts = 10;', 'plugin = "logistic_regression";'
FLOPS = "the products' FLOPs at the speed of a large SGEMM on all cores, zeros counted"
MNIST = [(FLOPS, "flops", epoch_flops(EXAMPLES[0], (784, width, 10))) for width in (100, 20)]
CIFAR = (FLOPS, "flops", epoch_flops(EXAMPLES[1], (3072, 200, 200, 200, 200, 200, 10)))


def resnet_products(widths, blocks):
    """Multiplications of an image forwards."""
    total, channels = 32 * 32 * 9 * 3 * widths[0] + widths[-1] * 10, widths[0]
    for stage, width in enumerate(widths):
        positions = (32 >> stage) ** 2
        for block in range(blocks):
            shortcut = channels * width if stage and not block else 0
            total += positions * (9 * channels * width + 9 * width * width + shortcut)
            channels = width
    return total


def vgg_products(stages):
    total, channels = 2 * 512 * 512 + 512 * 10, 3
    for stage, (layers, width) in enumerate(stages):
        for _ in range(layers):
            total += (32 >> stage) ** 2 * 9 * channels * width
            channels = width
    return total


def batch_flops(products, mode):
    """Of 64 images; Winograd's convolutions take fewer than are counted here."""
    what = FLOPS.replace("zeros", "convolutions as they are defined, zeros")
    return what, "flops", 2 * 64 * products * (3 if mode == "train" else 1)


RESNET20, RESNET18 = resnet_products((16, 32, 64), 3), resnet_products((64, 128, 256, 512), 2)
VGG16 = vgg_products(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)))
NETWORKS = [
    ("resnet20", "ResNet-20 on 3 x 32 x 32", 'plugin = "resnet"; depth = 20;', 20, 1.3, RESNET20),
    ("resnet18", "ResNet-18 on 3 x 32 x 32", 'plugin = "resnet"; depth = 18;', 5, 1.1, RESNET18),
    ("vgg16", "VGG-16 on 3 x 32 x 32", 'plugin = "vgg"; depth = 16;', 5, 1.1, VGG16),
]
ROWS = [
    Row("mnist-100", "MNIST 784-100-10, batch 64, batch norm, Adam: an epoch, one run", "PyTorch", 4,
        Training("mnist.cfg", "mnist", 100, 1, 3), limit=MNIST[0]),
    Row("mnist-20", "the same at width 20", "PyTorch", 6, Training("mnist.cfg", "mnist", 20, 1, 3), limit=MNIST[1]),
    Row("mnist-side-by-side", "width 100, 3 epochs, 8 runs side by side: a run", "PyTorch, 2 processes", 4,
        Training("mnist.cfg", "mnist", 100, 1, 3, runs=8), rounds=3, limit=(FLOPS, "flops", 3 * MNIST[0][2])),
    Row("cifar10-mlp", "CIFAR-10 MLP 3072-5x200-10: an epoch", "PyTorch", 4,
        Training("cifar10.cfg", "cifar10", 200, 5, 1), limit=CIFAR, rounds=3),
    *(
        Row(f"{name}-{mode}", f"{work}, batch 64, {what}", "PyTorch", floor if mode == "train" else 1.1,
            Network(name, model, mode, times), limit=batch_flops(products, mode))
        for name, work, model, times, floor, products in NETWORKS
        for mode, what in (("train", "one training step"), ("inference", "inference"))
    ),
    Row("knn-short-faiss", "k-NN, 48,000 x 10,000 codes of 128 bits, k = 9", "faiss IndexBinaryFlat", 8,
        Codes(48000, 10000, 128, KNN, "faiss"), limit=popcounts(48000, 10000, 128)),
    Row("knn-short-sklearn", "the same", "scikit-learn KNeighborsClassifier", 150,
        Codes(48000, 10000, 128, KNN, "neighbors"), rounds=1, check=same_accuracy),
    Row("knn-long", "k-NN, 20,000 x 2,000 codes of 16,384 bits", "faiss IndexBinaryFlat", 12,
        Codes(20000, 2000, 16384, KNN, "faiss"), rounds=2, limit=popcounts(20000, 2000, 16384)),
    Row("knn-command", "tessera probe: k-NN, files of 1,000,000 x 10,000 codes of 128 bits", "faiss, its search alone", 3,
        Command(1000000, 10000, 128, KNN, "faiss"), rounds=1, limit=popcounts(1000000, 10000, 128)),
    Row("knn-python", "tessera.nearest in Python, 48,000 x 10,000 codes of 128 bits", "bench/probe", 0.9,
        Python(48000, 10000, 128, KNN, "", times=5), limit=popcounts(48000, 10000, 128)),
    Row("distinct-short", "distinct rows, 48,000 x 128 bits", "numpy.unique on packed bytes", 5,
        Codes(48000, 100, 128, REDUNDANCY, "unique", times=5), limit=row_bytes(48000, 128), check=same_redundancy),
    Row("distinct-long", "distinct rows, 20,000 x 16,384 bits", "numpy.unique on packed bytes", 20,
        Codes(20000, 100, 16384, REDUNDANCY, "unique", times=3), limit=row_bytes(20000, 16384), rounds=3,
        check=same_redundancy),
    Row("information", "entropy and collisions of codes, 48,000 + 10,000 x 128 bits", "NumPy, training codes alone", 5,
        Codes(48000, 10000, 128, INFORMATION, "information", times=5), limit=row_bytes(58000, 128),
        check=same_metrics("entropy.train", "mutual_information.train")),
    Row("information-beside", "the same", "our redundancy probe", 0.5,
        Beside(48000, 10000, 128, INFORMATION, REDUNDANCY, times=5)),
    Row("units", "correlation and ranks of bits, 58,000 x 128 bits", "NumPy corrcoef and eigvalsh", 5,
        Codes(48000, 10000, 128, UNITS, "units", times=5), limit=row_bytes(58000, 128),
        check=same_metrics("correlation", "effective_rank", "stable_rank")),
    Row("units-beside", "the same", "our redundancy probe", 0.5,
        Beside(48000, 10000, 128, UNITS, REDUNDANCY, times=5)),
    Row("retrieval", "mAP with exact ties, 48,000 x 10,000 codes of 128 bits", "NumPy", 10,
        Codes(48000, 10000, 128, RETRIEVAL, "retrieval"), rounds=1, limit=popcounts(48000, 10000, 128),
        check=same_metrics("map")),
    Row("retrieval-beside", "the same", "our k-NN probe", 0.33,
        Beside(48000, 10000, 128, RETRIEVAL, KNN, times=3)),
    Row("kmeans", "k-means, 48,000 x 128 bits, k = 10, 10 restarts", "scikit-learn KMeans", 5,
        Codes(48000, 100, 128, KMEANS, "kmeans"), limit=assignments(48000, 128, 10), check=no_more_inertia),
    Row("logistic-short", "logistic regression one-vs-one, 48,000 x 128 bits", "scikit-learn", 4,
        Codes(48000, 10000, 128, LOGISTIC, "logistic_regression"), rounds=3, limit=lookups(48000, 128),
        check=same_accuracy),
    Row("logistic-long", "the same at 1,024 bits", "scikit-learn", 5,
        Codes(48000, 10000, 1024, LOGISTIC, "logistic_regression"), rounds=1, limit=lookups(48000, 1024),
        check=same_accuracy),
    Row("regions", "lengths of the linear regions of 10,000 MNIST examples in four directions, 784-100-10, exact",
        "PyTorch, codes at 200 points", 10,
        Geometry("regions", 1, "examples=5000; sampled=0; segments=0; directions=0;"), rounds=1, check=same_lengths),
    Row("slice", "linear regions in the plane of three MNIST examples, 784-100-100-10", "NumPy, cells alone, one by one", 2,
        Geometry("slice", 2, ""), rounds=1, check=same_cells),
    Row("study", "whole study: MNIST widths 20, 40, 60, 100, 20 epochs, all probes", "PyTorch + scikit-learn pipeline",
        12, Study(), rounds=1),
]


@dataclasses.dataclass
class Result:
    row: Row
    ours: list
    peer: list
    threads: int = 0  # of the peer
    note: str = ""

    def ratio(self):
        return statistics.median(self.peer) / statistics.median(self.ours) if self.peer else None


def measure(row, rounds):
    """Both sides in alternation. The peer's first round decides on its threads."""
    mine, theirs, note = [], {}, ""
    try:
        for number in range(rounds):
            mine.append(row.sides.ours(number))
            tried = range(1, CORES + 1) if number == 0 else [best]
            for threads in tried:
                try:
                    outcome = row.sides.peer(min(threads, 2), number)
                    theirs.setdefault(threads, []).append(outcome)
                except Skip as reason:
                    note = str(reason)
            if not theirs:
                break
            best = min(theirs, key=lambda threads: theirs[threads][0]["seconds"])
    except Skip as reason:
        return Result(row, [], [], note=str(reason))
    ours = [outcome["seconds"] for outcome in mine]
    if not theirs:
        return Result(row, ours, [], note=f"no peer: {note}")
    if row.check:
        note, holds = row.check(mine, theirs[best])
        note += "" if holds else " - NOT AS PROMISED"
    elif len(theirs) > 1:
        note = ""
    return Result(row, ours, [outcome["seconds"] for outcome in theirs[best]], best, note)


def seconds(values):
    value = statistics.median(values)
    return f"{value:.3g} s" if value >= 0.1 else f"{1000 * value:.3g} ms"


def table(results):
    yield "| work | Tessera | peer | | threads | ratio | at least | |"
    yield "|---|---|---|---|---|---|---|---|"
    for result in results:
        row, ratio = result.row, result.ratio()
        cells = [row.work, seconds(result.ours) if result.ours else "-", row.peer]
        cells += [seconds(result.peer), str(result.threads), f"{ratio:.1f} x"] if ratio else ["-", "-", "-"]
        yield f"| {' | '.join(cells)} | {row.floor} x | {result.note} |"


def limits_table(results, limits):
    yield "| row | what limits it | least time | of Tessera's |"
    yield "|---|---|---|---|"
    for result in results:
        if result.row.limit and result.ours:
            what, rate, amount = result.row.limit
            least = amount / limits[rate]
            part = least / statistics.median(result.ours)
            yield f"| {result.row.name} | {what} | {seconds([least])} | {100 * part:.0f} % |"


def versions():
    code = "import torch, sklearn, faiss, numpy; print(torch.__version__, sklearn.__version__, faiss.__version__, numpy.__version__)"
    done = subprocess.run(["/usr/bin/python3", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    names = "PyTorch", "scikit-learn", "faiss", "NumPy"
    return ", ".join(" ".join(pair) for pair in zip(names, done.stdout.split())) or "peers incomplete"


def facts_of_a_run():
    """What run.json says of the machine."""
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "digits.cfg")
        with open(config, "w") as file:
            file.write('name = "bench"; dataset = { plugin = "digits"; }; model = { plugin = "mlp"; };'
                       "training = { epochs = 1; };")
        return tessera(config, [], [])[1][0]["environment"]


def machine(facts, limits):
    """What a reader needs to know; nothing that names the machine."""
    rates = ", ".join(f"{limits[key] / 1e9:.3g} G {key}" for key in ("popcounts", "adds", "bytes", "flops"))
    yield f"{facts['cpu']}, {CORES} cores ({facts['cpu_features']}), {platform.system()};"
    yield f"{' '.join(facts['blas']['config'].split()[:2])}, its kernels for {facts['blas']['core']};"
    yield f"Hamming kernel {facts['hamming_kernel']}; Tessera {facts['version']}; {versions()}."
    yield f"All cores together, per second: {rates} (bench/limits)."
    yield f"Load before the first row: {os.getloadavg()[0]:.1f}; {datetime.date.today()}."


def report(results, limits, described):
    """The page's lines."""
    yield "# Measurements"
    yield ""
    yield from described
    yield ""
    yield "Medians of runs in alternation; Tessera on all cores, the peer at its best of one and two threads."
    yield ""
    yield from table(results)
    yield ""
    yield "## How far from the machine's limit"
    yield ""
    yield from limits_table(results, limits)


def count_instructions(row):
    """Of the probe's run alone. Valgrind knows no AVX-512, so it sees the kernels for AVX2."""
    sides = dataclasses.replace(row.sides, train=row.sides.train // 10, test=max(100, row.sides.test // 10), times=1)
    with tempfile.NamedTemporaryFile() as out:
        options = ["--tool=callgrind", f"--callgrind-out-file={out.name}", "--toggle-collect=measure"]
        command = ["valgrind", *options, *sides.probe(sides.settings)]
        done = subprocess.run(command, env=environment(1), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    counted = re.search(r"Collected : (\d+)", done.stderr)
    print(f"{row.name:20} {sides.train:6} x {sides.test:5}  {int(counted[1]) / 1e6 if counted else float('nan'):12,.1f} M")


def main():
    global BUILD
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("rows", nargs="*")
    parser.add_argument("--out", help="also write the tables there, as Markdown")
    parser.add_argument("--rounds", type=int, help="of every row; else as it declares")
    parser.add_argument("--instructions", action="store_true")
    args = parser.parse_args()
    BUILD = os.path.abspath(args.build)
    rows = [row for row in ROWS if not args.rows or any(row.name.startswith(name) for name in args.rows)]
    if not rows:
        sys.exit(f"no such row; there are {' '.join(row.name for row in ROWS)}")
    if args.instructions:
        for row in rows:
            if isinstance(row.sides, Codes):
                count_instructions(row)
        return
    facts = facts_of_a_run()
    os.environ["OPENBLAS_CORETYPE"] = facts["blas"]["core"]
    limits = run([os.path.join(BUILD, "bench/limits")], CORES)
    del os.environ["OPENBLAS_CORETYPE"]
    described, results = list(machine(facts, limits)), []
    for row in rows:
        results.append(measure(row, args.rounds or row.rounds))
        print(list(table(results[-1:]))[-1], flush=True)
    page = "\n".join(report(results, limits, described)) + "\n"
    print("\n" + page)
    if args.out:
        with open(args.out, "w") as file:
            file.write(page)


if __name__ == "__main__":
    main()
