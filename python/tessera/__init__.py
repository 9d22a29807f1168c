"""Neural networks as hash encoders: codes of activation patterns, and what they tell.

    import tessera

    model = tessera.load_model("net.onnx")                # or a run's folder, or model.safetensors
    train, test = model.encode(x_train), model.encode(x_test)      # packed codes, uint8
    distance, index = tessera.nearest(train, test, k=9)
    tessera.probe("kmeans", train, y_train, test, y_test, k=10)     # {"kmeans.train": ..., ...}
    tessera.results("results/mnist-width")                # columns, as pandas.DataFrame takes them

Codes are arrays with a row for each example: uint8 of packed bits, the first bit of a byte being its lowest, as
`pack` makes them and `encode` gives them (numpy.packbits(..., axis=1, bitorder="little")); or bool with a bit an
element. What goes wrong is an `Error` with the library's message.
"""

from ._codes import Neighbours, distinct, nearest, pack, unpack
from ._data import Dataset, dataset
from ._library import Error, configure, version
from ._models import Layer, Model, build_model, load_model
from ._probes import probe
from ._results import results

__all__ = [
    "Dataset", "Error", "Layer", "Model", "Neighbours", "build_model", "configure", "dataset", "distinct",
    "load_model", "nearest", "pack", "probe", "results", "unpack", "version",
]
__version__ = version()
