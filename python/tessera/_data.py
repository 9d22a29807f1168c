"""Datasets of the library's plugins as arrays."""

import ctypes

import numpy

from . import _library
from ._library import DATASET, Error, library


class Dataset:
    """An opened dataset; `dataset` makes one.

    name, shape (of one input), classes (0: without labels), class_names, and `train` and `test`, each a pair
    (inputs, labels): float32 (n, *shape) and int32 (n,); labels are None without classes.
    """

    def __init__(self, name, settings):
        with _library.lock:
            instance, data = _library.plugin(DATASET, name, settings), ctypes.c_void_p()
            try:
                library.tsr_data_open(instance, ctypes.byref(data))
            except Error:
                library.tsr_instance_free(instance)
                raise
            try:
                info = library.tsr_data_info(data).contents
                self.name = name
                self.shape = info.shape.tuple()
                self.classes = info.classes
                names = info.class_names
                self.class_names = [names[i].decode() if names else str(i) for i in range(info.classes)]
                self.train, self.test = (self._read(data, split, info) for split in (0, 1))
            finally:
                library.tsr_data_close(data)
                library.tsr_instance_free(instance)

    def _read(self, data, split, info):
        n = info.n[split]
        inputs = numpy.empty((n, *self.shape), numpy.float32)
        labels = numpy.empty(n, numpy.int32) if self.classes else None
        index = numpy.arange(n, dtype=numpy.uintp)
        library.tsr_data_read(data, split, n, index.ctypes.data, inputs.ctypes.data, _library.pointer(labels))
        return inputs, labels

    def __repr__(self):
        return (f"<tessera.Dataset {self.name}: {len(self.train[0])} + {len(self.test[0])} of shape {self.shape}, "
                f"{self.classes} classes>")


def dataset(name, **settings):
    """Opens the dataset plugin `name` ("digits", "idx", "npy" ...) with its keys as keyword arguments.

        x, y = tessera.dataset("idx", path="~/.cache/tessera/mnist").train

    All samples are read into memory. Raises Error with the file and the place where data cannot be used.
    """
    return Dataset(name, settings)
