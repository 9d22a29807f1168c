"""Results of studies as columns."""

import ctypes
import os
import re

import numpy

from ._library import library

_WHOLE = re.compile(r"-?[0-9]+\Z")


def _column(table, column, n):
    numbers = numpy.empty(n)
    texts = None
    if not library.tsr_table_numbers(table, column, numbers.ctypes.data):
        return numpy.array(_cells(table, column, n), dtype=object)
    if n and _WHOLE.match(library.tsr_table_cell(table, 0, column).decode()) and not numpy.isnan(numbers).any():
        texts = _cells(table, column, n)
    if texts and all(_WHOLE.match(text) for text in texts):
        whole = [int(text) for text in texts]
        return numpy.array(whole, dtype=numpy.int64 if max(whole) < 2 ** 63 else numpy.uint64)
    return numbers


def _cells(table, column, n):
    return [library.tsr_table_cell(table, row, column).decode("utf-8", "replace") for row in range(n)]


def results(folder):
    """The results of a study, a row for each snapshot of a finished run.

        pandas.DataFrame(tessera.results("results/mnist-width"))

    folder: a results folder; nothing in it is changed, and it need not have a results.csv.
    Returns a dict of columns, the names of results.csv and arrays of one length: run (text), replicate, seed, each
    swept key, epoch, and the metrics; float64 with NaN where a metric is undefined, int64 where all are whole numbers
    in the file, else texts.
    Raises Error where the folder holds no results.
    """
    table = ctypes.c_void_p()
    library.tsr_table_read(os.fsencode(folder), ctypes.byref(table))
    try:
        n = library.tsr_table_n_rows(table)
        return {library.tsr_table_name(table, column).decode("utf-8", "replace"): _column(table, column, n)
                for column in range(library.tsr_table_n_columns(table))}
    finally:
        library.tsr_table_free(table)
