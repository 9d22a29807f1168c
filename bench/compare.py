#!/usr/bin/python3
"""Compares results.csv of a study over model.width with the CSV of peers/pipeline.py. For every width and metric
that both have: both means with their standard errors, and their difference in units of its own standard error.

    compare.py results/mnist-model-size/results.csv peer.csv [--markdown]

Exit status 1 where a difference is more than LIMIT standard errors, 2 unless set by --limit.
"""
import argparse
import collections
import csv
import math
import statistics
import sys

KEY = "model.width"
NOT_METRICS = {"run", "replicate", "seed", "epoch", KEY}


def read(path):
    """Per width the last snapshot of every seed: {width: [row, ...]}."""
    last = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            place = int(row[KEY]), int(row["seed"])
            if place not in last or int(row["epoch"]) >= int(last[place]["epoch"]):
                last[place] = row
    widths = collections.defaultdict(list)
    for (width, _), row in sorted(last.items()):
        widths[width].append(row)
    return widths


def statistic(rows, metric):
    """Mean and standard error of it; None where a row lacks the metric or one row is all there is."""
    values = [float(row[metric]) for row in rows if row.get(metric)]
    if len(values) < len(rows) or len(values) < 2:
        return None
    return statistics.mean(values), statistics.stdev(values) / math.sqrt(len(values))


def compare(ours, peers):
    """Yields width, metric, both statistics and the difference in standard errors."""
    for width in sorted(ours.keys() & peers.keys()):
        for metric in peers[width][0]:
            a, b = statistic(ours[width], metric), statistic(peers[width], metric)
            if metric in NOT_METRICS or not a or not b:
                continue
            error = math.hypot(a[1], b[1])
            difference = a[0] - b[0]
            yield width, metric, a, b, difference / error if error else 0.0 if not difference else math.inf


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours", help="results.csv of tessera run")
    parser.add_argument("peer", help="what pipeline.py wrote")
    parser.add_argument("--limit", type=float, default=2.0, help="standard errors that a difference may have")
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    ours, peers = read(args.ours), read(args.peer)
    cells = "| {} | {} | {} | {} | {} |" if args.markdown else "{:>5}  {:26}{:>20}{:>20}{:>13}"
    print(cells.format("width", "metric", "tessera", "peer", "difference"))
    if args.markdown:
        print("|---|---|---|---|---|")
    beyond = 0
    for width, metric, a, b, difference in compare(ours, peers):
        beyond += abs(difference) > args.limit
        print(cells.format(width, metric, "%.4f ± %.4f" % a, "%.4f ± %.4f" % b, "%+.1f" % difference))
    replicates = {len(rows) for rows in [*ours.values(), *peers.values()]}
    print(f"\n{beyond} differences beyond {args.limit:g} standard errors; replicates: {sorted(replicates)}")
    return 1 if beyond else 0


if __name__ == "__main__":
    sys.exit(main())
