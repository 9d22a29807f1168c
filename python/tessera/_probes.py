"""Probes on arrays."""

import ctypes
import os

import numpy

from . import _library
from ._codes import taken
from ._library import PROBE, Error, ProbeInput, library


def _labels(labels, n, what):
    if labels is None:
        return None
    labels = numpy.asarray(labels)
    if labels.shape != (n,):
        raise Error(f"{what} are an array of shape {labels.shape}, expected ({n},)")
    if labels.dtype.kind not in "biu":
        raise Error(f"{what} are {labels.dtype}, expected whole numbers")
    whole = numpy.ascontiguousarray(labels, dtype=numpy.int32)
    if (whole != labels).any():  # the library refuses what is no label, but sees 32 bits
        bad = int(numpy.argmax(whole != labels))
        raise Error(f"{what}: label {bad}, counted from 0, is {labels[bad]}, expected one of at most 32 bits")
    return whole



def probe(name, train, train_labels, test, test_labels, *, bits=None, classes=0, seed=1, place=0, folder=None,
          **settings):
    """Measures codes with the probe plugin `name`; its keys are keyword arguments.

        tessera.probe("kmeans", train, labels, test, test_labels, k=10)

    train, test: codes. Columns that are constant over both are left out, as in a run.
    train_labels, test_labels: whole numbers from 0, (n,) and (m,); None, both, for probes that need none.
    bits: of packed codes; 0 in the bytes behind them.
    classes: that labels are below; 0: one more than the largest label.
    seed, place: of the random numbers: those of the probe at this place, from 0, in the list of a run with this seed.
    folder: that exists, for the files that the probe writes; None: they are not kept.
    Returns a dict of the metrics' names, as results have them, and values; NaN is undefined.
    Raises Error where the probe refuses, as one does that needs the network.
    """
    with _library.lock, taken(train, bits, "train") as a, taken(test, bits, "test") as b:
        y = _labels(train_labels, a.contents.n, "train_labels")
        z = _labels(test_labels, b.contents.n, "test_labels")
        given = ProbeInput(a, b, _library.pointer(y), _library.pointer(z), int(classes), int(seed), int(place),
                           None if folder is None else os.fsencode(folder))
        instance, metrics = _library.plugin(PROBE, name, settings), ctypes.c_void_p()
        try:
            library.tsr_host_probe_sized(instance, ctypes.byref(given), ctypes.sizeof(given), ctypes.byref(metrics))
        finally:
            library.tsr_instance_free(instance)
        try:
            label = library.tsr_metrics_label(metrics).decode()
            values = (library.tsr_metrics_get(metrics, i) for i in range(library.tsr_metrics_count(metrics)))
            return {f"{label}.{value.name.decode()}": value.value for value in values}
        finally:
            library.tsr_metrics_free(metrics)
