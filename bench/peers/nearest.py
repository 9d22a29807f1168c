#!/usr/bin/python3
"""Times the Python package's nearest on codes of bench/probe: the least seconds of all times, as a line of JSON.

    nearest.py FOLDER BUILD [TIMES]
"""
import json
import os
import sys
import time

folder, build = sys.argv[1:3]
os.environ["TESSERA_LIBRARY"] = os.path.join(build, ".libs", "libtessera.so.1")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))
try:
    import numpy as np
    import tessera
except ImportError as problem:
    print(f"skipped: {problem}", file=sys.stderr)
    sys.exit(77)

train, test = (np.load(os.path.join(folder, part + ".npy")) for part in ("train", "test"))
tessera.configure(threads=int(os.environ["OMP_NUM_THREADS"]))
seconds = []
for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 1):
    start = time.perf_counter()
    tessera.nearest(train, test, 9)
    seconds.append(time.perf_counter() - start)
print(json.dumps({"seconds": min(seconds)}))
