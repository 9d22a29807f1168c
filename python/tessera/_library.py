"""The library: found, loaded, declared; its errors as exceptions; the host that all calls share."""

import ctypes
import os
import pathlib
import threading
from ctypes import POINTER, c_bool, c_char_p, c_double, c_float, c_int, c_int32, c_size_t, c_uint32, c_uint64, c_void_p

import numpy

_SONAME = "libtessera.so.1"


class Error(Exception):
    """What the library refuses or cannot do; its text is the library's message.

    `kind` is "usage", "refused", "io", "no memory", "diverged", "interrupted" or "failed".
    """

    def __init__(self, message, kind="refused"):
        super().__init__(message)
        self.kind = kind


_KINDS = ["ok", "usage", "refused", "io", "no memory", "diverged", "interrupted", "failed"]


class Array(ctypes.Structure):
    _fields_ = [("element", c_int), ("swapped", c_bool), ("n_dims", c_size_t), ("dims", c_size_t * 8),
                ("strides", c_size_t * 8), ("bytes", c_void_p), ("offset", c_size_t)]


class CodesForm(ctypes.Structure):
    _fields_ = [("packed", c_bool), ("highest_first", c_bool), ("bits", c_size_t), ("has_threshold", c_bool),
                ("threshold", c_double)]


class CodeLayer(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("first", c_size_t), ("bits", c_size_t)]


class Codes(ctypes.Structure):
    _fields_ = [("n", c_size_t), ("bits", c_size_t), ("stride", c_size_t), ("words", c_void_p),
                ("n_layers", c_size_t), ("layers", POINTER(CodeLayer))]


class Shape(ctypes.Structure):
    _fields_ = [("n_dims", c_size_t), ("dims", c_size_t * 8)]

    @classmethod
    def of(cls, dims):
        dims = tuple(int(d) for d in dims)
        if not 1 <= len(dims) <= 6 or min(dims) < 1:
            raise Error(f"the shape is {dims}, expected 1 to 6 counts")
        return cls(len(dims), (c_size_t * 8)(*dims))

    def tuple(self):
        return tuple(self.dims[:self.n_dims])


class HostOptions(ctypes.Structure):
    _fields_ = [("n_folders", c_size_t), ("folders", POINTER(c_char_p)), ("threads", c_int),
                ("allow_unsafe_plugins", c_bool)]


class ProbeInput(ctypes.Structure):
    _fields_ = [("train", POINTER(Codes)), ("test", POINTER(Codes)), ("train_labels", c_void_p),
                ("test_labels", c_void_p), ("classes", c_int), ("seed", c_uint64), ("place", c_size_t),
                ("folder", c_char_p)]


class MetricValue(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("value", c_double), ("reason", c_char_p)]


class DatasetInfo(ctypes.Structure):
    _fields_ = [("n", c_size_t * 2), ("shape", Shape), ("classes", c_int), ("class_names", POINTER(c_char_p)),
                ("target", Shape)]


class LayerInfo(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("units", c_size_t), ("positions", c_size_t), ("channels", c_size_t),
                ("n_breakpoints", c_size_t), ("first", c_size_t)]


# Kinds of plugins, in the order of tsr_kind.
MODEL, DATASET, PROBE = 1, 2, 6

# Returned by what can fail: a status, which is checked and freed at once.
_STATUS = object()
_FUNCTIONS = {
    "tsr_version": (c_char_p, []),
    "tsr_status_message": (c_char_p, [c_void_p]),
    "tsr_status_error": (c_int, [c_void_p]),
    "tsr_status_free": (None, [c_void_p]),
    "tsr_host_new_sized": (_STATUS, [POINTER(HostOptions), c_size_t, POINTER(c_void_p)]),
    "tsr_host_free": (None, [c_void_p]),
    "tsr_host_plugin": (_STATUS, [c_void_p, c_int, c_char_p, c_char_p, POINTER(c_void_p)]),
    "tsr_instance_free": (None, [c_void_p]),
    "tsr_data_open": (_STATUS, [c_void_p, POINTER(c_void_p)]),
    "tsr_data_close": (None, [c_void_p]),
    "tsr_data_info": (POINTER(DatasetInfo), [c_void_p]),
    "tsr_data_read": (_STATUS, [c_void_p, c_int, c_size_t, c_void_p, c_void_p, c_void_p]),
    "tsr_encoder_new": (_STATUS, [c_void_p, Shape, c_int, c_uint64, POINTER(c_void_p)]),
    "tsr_encoder_open": (_STATUS, [c_void_p, c_char_p, c_char_p, POINTER(c_void_p)]),
    "tsr_encoder_free": (None, [c_void_p]),
    "tsr_encoder_network": (c_void_p, [c_void_p]),
    "tsr_encoder_encode": (_STATUS, [c_void_p, c_size_t, c_void_p, POINTER(POINTER(Codes))]),
    "tsr_encoder_predict": (_STATUS, [c_void_p, c_size_t, c_void_p, c_void_p]),
    "tsr_encoder_values": (_STATUS, [c_void_p, c_size_t, c_size_t, c_void_p, c_void_p]),
    "tsr_network_input": (Shape, [c_void_p]),
    "tsr_network_outputs": (c_int, [c_void_p]),
    "tsr_network_parameters": (c_size_t, [c_void_p]),
    "tsr_network_n_layers": (c_size_t, [c_void_p]),
    "tsr_network_layer_sized": (None, [c_void_p, c_size_t, POINTER(LayerInfo), c_size_t]),
    "tsr_codes_from_array": (_STATUS, [POINTER(Array), POINTER(CodesForm), POINTER(POINTER(Codes))]),
    "tsr_codes_free": (None, [POINTER(Codes)]),
    "tsr_nearest": (_STATUS, [POINTER(Codes), POINTER(Codes), c_size_t, c_void_p, c_void_p]),
    "tsr_distinct": (_STATUS, [POINTER(Codes), POINTER(c_size_t), c_void_p]),
    "tsr_host_probe_sized": (_STATUS, [c_void_p, POINTER(ProbeInput), c_size_t, POINTER(c_void_p)]),
    "tsr_metrics_count": (c_size_t, [c_void_p]),
    "tsr_metrics_get": (MetricValue, [c_void_p, c_size_t]),
    "tsr_metrics_label": (c_char_p, [c_void_p]),
    "tsr_metrics_free": (None, [c_void_p]),
    "tsr_table_read": (_STATUS, [c_char_p, POINTER(c_void_p)]),
    "tsr_table_free": (None, [c_void_p]),
    "tsr_table_n_rows": (c_size_t, [c_void_p]),
    "tsr_table_n_columns": (c_size_t, [c_void_p]),
    "tsr_table_name": (c_char_p, [c_void_p, c_size_t]),
    "tsr_table_cell": (c_char_p, [c_void_p, c_size_t, c_size_t]),
    "tsr_table_numbers": (c_bool, [c_void_p, c_size_t, c_void_p]),
}


def _candidates():
    """Where the library may be: as told, in the build tree, beside an installed package, where the system has it."""
    told = os.environ.get("TESSERA_LIBRARY")
    if told:
        return [told]
    here = pathlib.Path(__file__).resolve().parent
    near = [here.parent.parent / ".libs" / _SONAME]
    near += [folder / _SONAME for folder in here.parents[1:5]]
    return [str(path) for path in near if path.exists()] + [_SONAME]


def _load():
    problems = []
    for path in _candidates():
        try:
            return ctypes.CDLL(path)
        except OSError as problem:
            problems.append(str(problem))
    raise ImportError("the library of Tessera cannot be loaded; TESSERA_LIBRARY may name it: " + "; ".join(problems))


def _check(status, function, arguments):
    if status:
        message = library.tsr_status_message(status).decode("utf-8", "replace")
        kind = _KINDS[library.tsr_status_error(status)]
        library.tsr_status_free(status)
        raise Error(message, kind)


library = _load()
for _name, (_result, _arguments) in _FUNCTIONS.items():
    _function = getattr(library, _name)
    _function.argtypes = _arguments
    _function.restype = c_void_p if _result is _STATUS else _result
    if _result is _STATUS:
        _function.errcheck = _check

lock = threading.RLock()
_options = {"threads": 0, "plugin_path": (), "allow_unsafe_plugins": False}
_host = None


def host():
    """The host, which is made when it is first wanted."""
    global _host
    with lock:
        if _host is None:
            folders = [os.fsencode(folder) for folder in _options["plugin_path"]]
            options = HostOptions(len(folders), (c_char_p * len(folders))(*folders), _options["threads"],
                                  _options["allow_unsafe_plugins"])
            made = c_void_p()
            library.tsr_host_new_sized(ctypes.byref(options), ctypes.sizeof(options), ctypes.byref(made))
            _host = made
        return _host


def configure(threads=None, plugin_path=None, allow_unsafe_plugins=None):
    """Says how the library works from here on; what is None stays as it is.

    threads: that it may use; 0, the default: one for each core. Results do not depend on it.
    plugin_path: folders in which plugins are looked for first.
    allow_unsafe_plugins: load files too that others than the user and root may write.
    """
    global _host
    with lock:
        if threads is not None:
            if int(threads) < 0:
                raise Error(f"threads = {threads}: expected 0 or more")
            _options["threads"] = int(threads)
        if plugin_path is not None:
            _options["plugin_path"] = tuple(plugin_path)
        if allow_unsafe_plugins is not None:
            _options["allow_unsafe_plugins"] = bool(allow_unsafe_plugins)
        _host = None  # models and data that are open go on with the old one, which is never freed
        host()


def version():
    """The library's version, such as "0.1.0"."""
    return library.tsr_version().decode()


def settings_text(settings):
    """Keyword arguments as a config's group: k = 9; layers = [ 0, 1 ]; name = "text";"""
    return "".join(f"{key} = {_value_text(key, value)};\n" for key, value in settings.items())


def _value_text(key, value):
    if isinstance(value, (bool, numpy.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, numpy.integer)):
        value = int(value)
        return f"{value}L" if abs(value) > 0x7fffffff else str(value)
    if isinstance(value, (float, numpy.floating)):
        text = repr(float(value))
        if "n" in text:  # nan, inf
            raise Error(f"{key} = {text}: expected a finite number")
        return text if "." in text or "e" in text else text + ".0"
    if isinstance(value, (str, os.PathLike)):
        escaped = "".join({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(c, c)
                          for c in os.fspath(value))
        return f'"{escaped}"'
    if isinstance(value, dict):
        return "{ " + " ".join(f"{k} = {_value_text(k, v)};" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple, numpy.ndarray)):
        items = list(value)
        texts = ", ".join(_value_text(key, item) for item in items)
        return f"( {texts} )" if any(isinstance(item, (dict, list, tuple)) for item in items) else f"[ {texts} ]"
    raise Error(f"{key} is a {type(value).__name__}, expected a bool, a number, a text, a list or a dict")


def plugin(kind, name, settings):
    """An instance, to be freed with tsr_instance_free."""
    made = c_void_p()
    library.tsr_host_plugin(host(), kind, os.fsencode(name), settings_text(settings).encode(), ctypes.byref(made))
    return made


def pointer(array):
    return None if array is None else array.ctypes.data
