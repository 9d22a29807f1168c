"""Networks that encode."""

import collections
import ctypes
import os
import weakref

import numpy

from . import _library
from ._codes import given, unpack
from ._library import MODEL, Codes, Error, LayerInfo, Shape, library

Layer = collections.namedtuple("Layer", "name units positions channels breakpoints first bits")
Layer.__doc__ = """A layer of the code: its name, units, values that are summed up for a unit (positions), channels,
breakpoints of a unit, and its columns in what `encode` gives, `first` and `bits`."""


def _free(encoder, model):
    library.tsr_encoder_free(encoder)
    if model:
        library.tsr_instance_free(model)


class Model:
    """A network; `load_model` and `build_model` make one. One thread at a time.

    shape: of one input; outputs: values that come out; parameters: trained numbers in all; bits: of a code;
    layers: a list of Layer.
    """

    def __init__(self, encoder, model=None):
        self._encoder = encoder
        self._finalizer = weakref.finalize(self, _free, encoder, model)
        network = library.tsr_encoder_network(encoder)
        self.shape = library.tsr_network_input(network).tuple()
        self.outputs = library.tsr_network_outputs(network)
        self.parameters = library.tsr_network_parameters(network)
        self.layers, self.bits = [], 0
        for i in range(library.tsr_network_n_layers(network)):
            info = LayerInfo()
            library.tsr_network_layer_sized(network, i, ctypes.byref(info), ctypes.sizeof(info))
            bits = info.units * info.n_breakpoints
            self.layers.append(Layer(info.name.decode(), info.units, info.positions, info.channels,
                                     info.n_breakpoints, self.bits, bits))
            self.bits += bits

    def _inputs(self, x):
        x = numpy.ascontiguousarray(x, dtype=numpy.float32)
        size = int(numpy.prod(self.shape))
        if x.ndim < 2 or int(numpy.prod(x.shape[1:])) != size:
            raise Error(f"inputs are an array of shape {x.shape}, expected (n, {', '.join(map(str, self.shape))})")
        return x

    def encode(self, x, packed=True):
        """The codes of inputs.

        x: (n, *shape), or (n, values) in that order; float32, or what becomes it.
        Returns uint8 (n, ceil(bits / 8)) of packed bits, or, with packed=False, bool (n, bits). Layer after layer;
        bits that are the same for all examples are there too.
        """
        with _library.lock:
            x = self._inputs(x)
            codes = ctypes.POINTER(Codes)()
            library.tsr_encoder_encode(self._encoder, len(x), x.ctypes.data, ctypes.byref(codes))
            try:
                array = given(codes)
            finally:
                library.tsr_codes_free(codes)
        return array if packed else unpack(array, self.bits)

    def predict(self, x):
        """The outputs, mostly logits, of inputs as `encode` takes them: float32 (n, outputs)."""
        with _library.lock:
            x = self._inputs(x)
            out = numpy.empty((len(x), self.outputs), numpy.float32)
            library.tsr_encoder_predict(self._encoder, len(x), x.ctypes.data, out.ctypes.data)
            return out

    def values(self, x, layer):
        """The pre-activations of a layer of the code, by its number or name: float32 (n, units * positions)."""
        names = [each.name for each in self.layers]
        if isinstance(layer, str):
            if layer not in names:
                raise Error(f"no layer of the code is called '{layer}', expected one of: {', '.join(names)}")
            layer = names.index(layer)
        if not 0 <= layer < len(names):
            raise Error(f"layer {layer} is asked for, counted from 0, and there are {len(names)}")
        with _library.lock:
            x = self._inputs(x)
            out = numpy.empty((len(x), self.layers[layer].units * self.layers[layer].positions), numpy.float32)
            library.tsr_encoder_values(self._encoder, layer, len(x), x.ctypes.data, out.ctypes.data)
            return out

    def __repr__(self):
        return f"<tessera.Model: {self.shape} to {self.outputs}, {self.parameters} parameters, {self.bits} bits>"


def load_model(path, **settings):
    """A trained network from a file.

    path: a model.safetensors that a run has saved, the folder of such a run, or net.onnx.
    settings: what the file does not say, model=dict(plugin="mlp", ...), shape=(1, 28, 28), outputs=10; and which
    bits the code has, codes=dict(layers=["activation.1"], pool="channel").
    Raises Error where the file cannot be used.
    """
    encoder = ctypes.c_void_p()
    with _library.lock:
        library.tsr_encoder_open(_library.host(), os.fsencode(path), _library.settings_text(settings).encode(),
                                 ctypes.byref(encoder))
    return Model(encoder)


def build_model(name, shape, outputs, seed=1, **settings):
    """A network that is not trained: the model plugin `name` with its keys as keyword arguments, for inputs of
    `shape`, with parameters drawn from `seed`.

        tessera.build_model("mlp", (784,), 10, width=100, batch_norm=False)
    """
    encoder = ctypes.c_void_p()
    with _library.lock:
        model = _library.plugin(MODEL, name, settings)
        try:
            library.tsr_encoder_new(model, Shape.of(shape), int(outputs), int(seed), ctypes.byref(encoder))
        except Error:
            library.tsr_instance_free(model)
            raise
    return Model(encoder, model)
