#!/usr/bin/env python3
"""Makes the corpus of the fuzzed readers anew: one small valid input or more for each, from which mutations begin.

    tests/fuzz/seeds.py BUILD [FOLDER]

BUILD is a built tree, whose tessera does two small runs for the seeds of results, and archives; FOLDER is tests/fuzz/corpus.
Wants NumPy, SciPy, Pillow, onnx and a C compiler. The seeds are kept in the repository: this is run when a reader
comes or a format changes.
"""
import gzip
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import numpy as np

NEXT = b"\n--next file--\n"
ID = "0123456789abcdef"
build = os.path.abspath(sys.argv[1])
corpus = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(__file__), "corpus"))
source = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
rng = np.random.default_rng(1)


def put(target, name, *parts):
    folder = os.path.join(corpus, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(NEXT.join(part if isinstance(part, bytes) else part.encode() for part in parts))


def npy(array, version=None):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), version=version)
    return stream.getvalue()


def configs():
    small = """name = "seed"; seed = 3; replicates = 2;
dataset = { plugin = "synthetic"; kind = "blobs"; train = 20; test = 10; };
model = { plugin = "mlp"; width = 4; activation = "leaky_relu"; };
training = { epochs = 2; batch = 5; snapshots = [0]; optimizer = { plugin = "sgd"; learning_rate = 0.1; }; };
probes = ( "redundancy", { plugin = "knn"; k = 3; } );
sweep = ( { key = "model.width"; values = [3, 5]; } );
output = { save_codes = true; };
"""
    put("config", "study", small)
    put("config", "forms", "a = 1; b : { c = [1, 2, 3]; d = (1, \"x\", 2.5e-3, true); };\n# comment\n// another\n"
        "/* and\n one */ e = 0x1F; f = 10L; g = \"a\\n\\x41\" \"b\"; h = -1e300\n")
    put("config", "mark", b"\xef\xbb\xbfname = \"mark\"\n@include \"other.cfg\"\n")
    put("experiment", "study", small)
    put("experiment", "layers", """dataset = "digits"; model = { plugin = "sequential";
layers = ( { op = "conv2d"; channels = 2; kernel = 3; padding = 1; }, { op = "batch_norm"; },
  { op = "activation"; name = "a"; }, { op = "max_pool"; size = 2; stride = 2; }, { op = "dense"; } ); };
training = { epochs = 1; label_noise = 0.5; holdout = 0.1; };
probes = ( { plugin = "kmeans"; layers = [0]; }, { plugin = "logistic_regression"; } );
regularizers = ( { plugin = "l2"; weight = 1e-4; } );
""")
    put("setting", "number", "a.b=2.5", "a = { b = 1; };")
    put("setting", "list", "probes=(\"knn\", { plugin = \"kmeans\"; k = 10; })", "probes = (\"redundancy\");")
    put("setting", "place", "probes[0].k=[1, 2]", "probes = ( { plugin = \"knn\"; k = 9; } );")
    put("setting", "word", "model.activation=prelu", "model = { };")


def tables():
    put("table", "adult", "age,work,hours,class\n39, Private,40,<=50K\n50,?,13,>50K\n28,\"a, b\",40.5,<=50K\n",
        "31,State,20,>50K\n")
    put("table", "numbers", "1,2,0\r\n3,4.5,1\r\n-1e-3,2,0\r\n", "0,1,1\n")
    put("svmlight", "binary", "+1 1:0.5 3:2 # note\n-1 2:1e-3\n+1 1:1 2:2 3:3\n")
    put("svmlight", "classes", "0 0:1 4:2\n2 qid:3 1:1\n1 2:0.25\n3 0:4\n")


def pictures():
    from PIL import Image
    for color, name in (("RGB", "color"), ("L", "grey")):
        shape = (9, 8, 3) if color == "RGB" else (9, 8)
        image = Image.fromarray(rng.integers(0, 255, shape, dtype=np.uint8), color)
        streams = [io.BytesIO(), io.BytesIO()]
        image.save(streams[0], "PNG")
        image.save(streams[1], "JPEG", progressive=color == "L")
        put("images", name, streams[0].getvalue(), streams[1].getvalue())
    indexed = io.BytesIO()
    Image.fromarray(rng.integers(0, 4, (5, 6), dtype=np.uint8), "L").convert("P").save(indexed, "PNG")
    put("images", "palette", indexed.getvalue())


def arrays():
    x, y = rng.random((6, 4), dtype=np.float32), np.array([0, 1, 2, 0, 1, 2])
    put("npy", "floats", npy(x), npy(y), npy(rng.random((6, 2))))
    put("npy", "fortran", npy(np.asfortranarray(rng.integers(0, 9, (5, 2, 3)).astype(">i2"))), npy(y[:5]),
        npy(x[:5, 0]))
    put("npy", "version2", npy(x > 0.5, (2, 0)), npy(y.astype(np.uint8)), npy(x.astype(np.float16), (3, 0)))
    for name, save in (("stored", np.savez), ("deflated", np.savez_compressed)):
        stream = io.BytesIO()
        save(stream, x=x, y=y)
        put("npz", name, stream.getvalue())
    images = struct.pack(">IIII", 0x803, 4, 3, 2) + bytes(range(24))
    labels = struct.pack(">II", 0x801, 4) + bytes([0, 1, 2, 1])
    put("idx", "plain", images, labels)
    put("idx", "gzip", gzip.compress(images, mtime=0), gzip.compress(labels, mtime=0))
    put("cifar", "one", bytes([3]) + bytes(3072))
    from scipy.io import savemat
    for name, compressed in (("stored", False), ("deflated", True)):
        stream = io.BytesIO()
        savemat(stream, {"X": rng.integers(0, 255, (4, 3, 3, 5), dtype=np.uint8),
                         "y": np.array([[1], [2], [10], [1], [2]], dtype=np.uint8)}, do_compression=compressed)
        put("matlab", name, stream.getvalue())


def codes():
    bits = rng.random((6, 13)) < 0.5
    labels = npy(np.arange(6, dtype=np.int32) % 3)
    for name, form in (("packed", np.packbits(bits, axis=1, bitorder="little")), ("bool", bits),
                       ("zeros_and_ones", bits.astype(np.uint8)), ("floats", bits - np.float32(0.5))):
        put("codes", name, npy(form), labels)


def networks():
    from onnx import helper, numpy_helper, TensorProto
    def net(nodes, shape, outputs, weights):
        graph = helper.make_graph(nodes, "seed",
                                  [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"] + shape)],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", outputs])],
                                  [numpy_helper.from_array(np.asarray(v), k) for k, v in weights.items()])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 8
        return model.SerializeToString()
    f = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    node = helper.make_node
    put("onnx", "dense", net([node("Gemm", ["x", "w", "b"], ["h"], transB=1, name="fc"), node("Relu", ["h"], ["a"]),
                              node("MatMul", ["a", "v"], ["m"]), node("Add", ["m", "c"], ["y"])],
                             [4], 3, {"w": f(5, 4), "b": f(5), "v": f(5, 3), "c": f(3)}))
    put("onnx", "maps", net([node("Conv", ["x", "w", "b"], ["h"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
                             node("BatchNormalization", ["h", "s", "o", "m", "v"], ["n"]),
                             node("LeakyRelu", ["n"], ["a"], alpha=0.1),
                             node("MaxPool", ["a"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
                             node("Concat", ["p", "p"], ["q"], axis=1), node("GlobalAveragePool", ["q"], ["g"]),
                             node("Shape", ["g"], ["shape"]), node("Gather", ["shape", "zero"], ["batch"], axis=0),
                             node("Unsqueeze", ["batch", "axes"], ["one"]),
                             node("Concat", ["one", "rest"], ["target"], axis=0),
                             node("Reshape", ["g", "target"], ["r"]), node("Gemm", ["r", "u", "c"], ["y"], transB=1)],
                            [1, 6, 6], 3, {"w": f(2, 1, 3, 3), "b": f(2), "s": f(2), "o": f(2), "m": f(2),
                                           "v": abs(f(2)), "zero": np.int64(0), "axes": np.array([0]),
                                           "rest": np.array([-1]), "u": f(3, 4), "c": f(3)}))
    put("onnx", "norm", net([node("ReduceMean", ["x"], ["mean"], axes=[-1]), node("Sub", ["x", "mean"], ["d"]),
                             node("Pow", ["d", "two"], ["q"]), node("ReduceMean", ["q"], ["var"], axes=[-1]),
                             node("Add", ["var", "eps"], ["e"]), node("Sqrt", ["e"], ["sd"]),
                             node("Div", ["d", "sd"], ["n"]), node("Mul", ["n", "g"], ["s"]),
                             node("Add", ["s", "o"], ["t"]), node("Clip", ["t", "low", "high"], ["a"]),
                             node("Slice", ["a", "from", "to", "axis"], ["y"])],
                            [4], 2, {"two": np.float32(2), "eps": np.float32(1e-5), "g": f(4), "o": f(4),
                                     "low": np.float32(0), "high": np.float32(6), "from": np.array([1]),
                                     "to": np.array([3]), "axis": np.array([1])}))
    header = json.dumps({"__metadata__": {"format": "pt"}, "a.weight": {"dtype": "F32", "shape": [2, 3],
                         "data_offsets": [0, 24]}, "b": {"dtype": "F32", "shape": [], "data_offsets": [24, 28]},
                         "n.num_batches_tracked": {"dtype": "I64", "shape": [], "data_offsets": [28, 36]}})
    header = header.encode() + b" " * (-len(header) % 8)
    put("safetensors", "three", struct.pack("<Q", len(header)) + header + f(7).tobytes() + bytes(8))


def results():
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "seed.cfg")
        with open(config, "w") as file:
            file.write("""dataset = { plugin = "synthetic"; kind = "blobs"; train = 12; test = 6; };
model = { plugin = "mlp"; widths = [5, 70]; }; training = { epochs = 1; };
probes = ( "redundancy", { plugin = "knn"; k = 3; } ); sweep = ( { key = "model.batch_norm"; values = [true, false]; } );
output = { save_codes = true; }; seed = 7;
""")
        study = os.path.join(folder, "study")
        environment = dict(os.environ, TESSERA_PLUGIN_PATH=os.path.join(build, "plugins"))
        subprocess.run([os.path.join(build, "tessera"), "run", config, "-o", study], check=True, env=environment,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        text = open(os.path.join(study, "config.cfg"), "rb").read()
        for number, run in enumerate(sorted(os.listdir(os.path.join(study, "runs")))):
            record = open(os.path.join(study, "runs", run, "run.json"), "rb").read().replace(run.encode(), ID.encode())
            record = record.replace(os.path.join(build, "plugins").encode(), b"/usr/lib/tessera").replace(b"/.libs/", b"/")
            put("record", "run%d" % number, record)
            put("results", "run%d" % number, text, record)
    bits = [rng.random((n, 7)) < 0.5 for n in (3, 2)]
    kept = np.array([0, 2, 4, 64, 70, 100, 130], dtype=np.uint32)
    put("saved_codes", "seven", *[npy(np.packbits(b, axis=1, bitorder="little")) for b in bits], npy(kept),
        npy(np.zeros((1, 24), dtype=np.uint8)))


def archives():
    with tempfile.TemporaryDirectory() as folder:
        study = os.path.join(folder, "study")
        os.makedirs(os.path.join(study, "runs", ID))
        open(os.path.join(study, "config.cfg"), "w").write("# The experiment as tessera resolved it\nseed = 7;\n")
        open(os.path.join(study, "runs", ID, "run.json"), "w").write("{}\n")
        for ending in ("tar", "tar.gz", "tar.zst"):
            archive = os.path.join(folder, "seed." + ending)
            subprocess.run([os.path.join(build, "tessera"), "archive", study, "-o", archive], check=True,
                           stdout=subprocess.DEVNULL)
            put("archive", ending, open(archive, "rb").read())


def plugin_files():
    with tempfile.TemporaryDirectory() as folder:
        library = os.path.join(folder, "plugin.so")
        text = os.path.join(folder, "plugin.c")
        open(text, "w").write("int tessera_plugin;\n")
        subprocess.run(["cc", "-shared", "-nostdlib", "-s", "-Wl,-z,noseparate-code,-z,norelro,--build-id=none",
                        "-Wl,-rpath,$ORIGIN/lib:/opt/lib", "-Wl,--no-as-needed", "-o", library, text, "-lm"],
                       check=True)
        put("libraries", "rpath", open(library, "rb").read())
    put("answer", "two", "probe\tsample\t1.2.3\ta probe for tests\t15\nthe description\n"
        "model\tother\t1.0\tanother\t0\n\n")


shutil.rmtree(corpus, ignore_errors=True)
for make in (configs, tables, pictures, arrays, codes, networks, results, archives, plugin_files):
    make()
