"""The Python package: the same numbers as the commands, arrays in and out, and every wrong argument an Error."""

import csv
import glob
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

source, build = os.environ["TSR_SOURCE"], os.environ["TSR_BUILD"]
library = os.environ["TESSERA_LIBRARY"] = os.path.join(build, ".libs", "libtessera.so.1")


def begin_again_with_sanitizers():
    """A library that is built with the address sanitizer wants it loaded before all else; Python itself leaks."""
    if "TSR_SANITIZED" in os.environ or b"libasan.so" not in pathlib.Path(library).read_bytes():
        return
    compiler = os.environ.get("CC", "cc").split()
    runtimes = [subprocess.run([*compiler, f"-print-file-name={name}"], capture_output=True, text=True).stdout.strip()
                for name in ("libasan.so", "libubsan.so")]
    os.environ.update(TSR_SANITIZED="1", LD_PRELOAD=" ".join(runtimes),
                      ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
    os.execv(sys.executable, [sys.executable, *sys.argv])


begin_again_with_sanitizers()
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(source, "python"))

import numpy as np
import tessera

CONFIG = """
dataset = { plugin = "digits"; };
model = { plugin = "mlp"; width = 30; depth = 2; };
training = { epochs = 2; snapshots = [ 0 ]; };
probes = ( "redundancy", { plugin = "kmeans"; k = 10; }, { plugin = "knn"; k = 9; }, "logistic_regression" );
output = { save_model = true; save_codes = true; };
"""


def random_bits(n, bits, seed):
    return np.random.default_rng(seed).random((n, bits)) < 0.4


class Codes(unittest.TestCase):
    def test_packing_is_numpys(self):
        for bits in (1, 7, 8, 65, 130):
            array = random_bits(9, bits, bits)
            expected = np.packbits(array, axis=1, bitorder="little")
            np.testing.assert_array_equal(tessera.pack(array), expected)
            np.testing.assert_array_equal(tessera.pack(array.astype(float)), expected)
            np.testing.assert_array_equal(tessera.unpack(expected, bits), array)

    def test_the_nearest_are_those_of_a_full_search(self):
        train, test = random_bits(300, 75, 1), random_bits(40, 75, 2)
        distances = (train[None] != test[:, None]).sum(-1)
        order = np.argsort(distances, axis=1, kind="stable")[:, :5]
        for a, b in ((train, test), (tessera.pack(train), tessera.pack(test)), (train[:, ::-1], test[:, ::-1]),
                     (np.asfortranarray(train), np.asfortranarray(test))):
            found = tessera.nearest(a, b, 5)
            np.testing.assert_array_equal(found.index, order)
            np.testing.assert_array_equal(found.distance, np.take_along_axis(distances, order, 1))
            self.assertEqual(found.index.dtype, np.uint32)

    def test_distinct_codes_are_counted_and_grouped(self):
        codes = random_bits(500, 6, 3)
        unique, first = np.unique(codes, axis=0, return_index=True)
        count, group = tessera.distinct(codes, return_group=True)
        self.assertEqual(count, len(unique))
        self.assertEqual(tessera.distinct(tessera.pack(codes)), len(unique))
        for i in range(500):
            np.testing.assert_array_equal(codes[i], codes[list(group).index(group[i])])
        self.assertEqual(len(set(group)), count)

    def test_threads_change_nothing(self):
        train, test = random_bits(3000, 130, 4), random_bits(700, 130, 5)
        one = (tessera.configure(threads=1), tessera.nearest(train, test, 7))[1]
        two = (tessera.configure(threads=2), tessera.nearest(train, test, 7))[1]
        tessera.configure(threads=0)
        np.testing.assert_array_equal(one.index, two.index)

    def test_wrong_arrays_are_errors_with_what_is_wrong(self):
        bits, packed = random_bits(10, 9, 6), tessera.pack(random_bits(10, 9, 6))
        for text, call in (
                ("train are float64", lambda: tessera.nearest(bits.astype(float), bits, 1)),
                ("k = 0", lambda: tessera.nearest(bits, bits, 0)),
                ("k = 11", lambda: tessera.nearest(bits, bits, 11)),
                ("compared", lambda: tessera.nearest(bits, bits[:, :4], 1)),
                ("1 dimension", lambda: tessera.nearest(bits[0], bits, 1)),
                ("test: row 0: bit", lambda: tessera.nearest(packed, packed | 128, 1, bits=9)),
                ("row 1, column 1 is 3", lambda: tessera.pack([[0, 1], [1, 3]])),
                ("1 dimensions", lambda: tessera.pack([0, 1])),
                ("float64 of 2", lambda: tessera.unpack(bits.astype(float))),
                ("17 bits are wanted", lambda: tessera.unpack(packed, 17)),
                ("codes are <U1", lambda: tessera.distinct(np.array([["a"]])))):
            with self.assertRaisesRegex(tessera.Error, text):
                call()


class Study(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.here = pathlib.Path(cls.folder.name)
        (cls.here / "study.cfg").write_text(CONFIG)
        subprocess.run([os.path.join(build, "tessera"), "run", "study.cfg", "-q", "-o", "out"], cwd=cls.here, check=True,
                       stdout=subprocess.DEVNULL)
        cls.run_folder = pathlib.Path(glob.glob(str(cls.here / "out/runs/*"))[0])
        cls.data = tessera.dataset("digits")
        cls.model = tessera.load_model(cls.run_folder)
        cls.results = tessera.results(cls.here / "out")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def metric(self, name):
        return self.results[name][-1]

    def test_data_are_arrays(self):
        x, y = self.data.train
        self.assertEqual((x.shape, x.dtype, y.dtype), ((1437, 1, 8, 8), np.float32, np.int32))
        self.assertEqual((self.data.classes, self.data.class_names[3]), (10, "3"))
        self.assertIn("1437 + 360", repr(self.data))

    def test_a_saved_network_gives_the_codes_that_its_run_saved(self):
        for part, (x, _) in (("train", self.data.train), ("test", self.data.test)):
            saved = np.load(self.run_folder / f"codes/{part}.npy")
            np.testing.assert_array_equal(self.model.encode(x), saved)
        bits = self.model.encode(x, packed=False)
        self.assertEqual((bits.shape, bits.dtype, self.model.bits), ((360, 60), bool, 60))
        np.testing.assert_array_equal(tessera.pack(bits), saved)
        np.testing.assert_array_equal(self.model.values(x, "activation.1") > 0, bits[:, 30:])
        np.testing.assert_array_equal(self.model.encode(x.reshape(360, 64)), saved)
        accuracy = (self.model.predict(x).argmax(1) == self.data.test[1]).mean()
        self.assertEqual(accuracy, self.metric("model.accuracy.test"))

    def test_probes_give_the_metrics_of_the_run_to_the_last_bit(self):
        train, test = self.model.encode(self.data.train[0]), self.model.encode(self.data.test[0])
        for place, (name, settings) in enumerate((("redundancy", {}), ("kmeans", {"k": 10}), ("knn", {"k": 9}),
                                                  ("logistic_regression", {}))):
            metrics = tessera.probe(name, train, self.data.train[1], test, self.data.test[1], place=place, **settings)
            self.assertTrue(metrics)
            for metric, value in metrics.items():
                self.assertEqual(value, self.metric(metric), metric)

    def test_the_command_the_run_and_python_agree(self):
        codes = self.run_folder / "codes"
        subprocess.run([os.path.join(build, "tessera"), "probe", "--train", codes / "train.npy", codes / "train_labels.npy",
                        "--test", codes / "test.npy", codes / "test_labels.npy", "-o", "probed", "-s",
                        'probes=("redundancy",{plugin="kmeans";k=10;})'], cwd=self.here, check=True,
                       stdout=subprocess.DEVNULL)
        with open(self.here / "probed/results.csv", newline="") as file:
            row = next(csv.DictReader(file))
        arrays = [np.load(codes / f"{name}.npy") for name in ("train", "train_labels", "test", "test_labels")]
        for name, value in tessera.probe("kmeans", *arrays, k=10, place=1).items():
            self.assertEqual(float(row[name]), value)
            self.assertEqual(value, self.metric(name))

    def test_results_are_columns_of_their_types(self):
        self.assertEqual([self.results[key].dtype.kind for key in ("run", "replicate", "seed", "epoch", "knn.test")],
                         ["O", "i", "i", "i", "f"])
        np.testing.assert_array_equal(self.results["epoch"], [0, 2])
        with open(self.here / "out/results.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(list(rows[0]), list(self.results))
        for name in rows[0]:
            if name != "run":
                self.assertEqual([float(row[name]) for row in rows], list(self.results[name]))

    def test_settings_choose_the_bits(self):
        model = tessera.load_model(self.run_folder, codes={"layers": ["activation.1"]})
        self.assertEqual([layer.name for layer in model.layers], ["activation.1"])
        np.testing.assert_array_equal(model.encode(self.data.test[0], packed=False),
                                      self.model.encode(self.data.test[0], packed=False)[:, 30:])

    def test_networks_are_built_from_a_seed(self):
        build_one = lambda seed: tessera.build_model("mlp", (64,), 10, seed=seed, width=20, batch_norm=False)
        x = self.data.test[0].reshape(-1, 64)
        np.testing.assert_array_equal(build_one(3).predict(x), build_one(3).predict(x))
        self.assertTrue((build_one(3).predict(x) != build_one(4).predict(x)).any())

    def test_files_of_a_probe_are_kept_in_a_folder(self):
        train, test = self.model.encode(self.data.train[0]), self.model.encode(self.data.test[0])
        folder = self.here / "files"
        folder.mkdir()
        tessera.probe("knn", train, self.data.train[1], test, self.data.test[1], folder=folder, predictions=True)
        self.assertEqual(np.load(next(folder.glob("*.npy"))).shape, (360,))

    def test_wrong_arguments_are_errors_with_the_librarys_message(self):
        codes, labels = self.model.encode(self.data.test[0]), self.data.test[1]
        probe = lambda *arguments, **settings: tessera.probe("knn", *arguments, **settings)
        for text, call in (
                ("no probe is called 'unheard'", lambda: tessera.probe("unheard", codes, labels, codes, labels)),
                ("unknown key 'kk'", lambda: probe(codes, labels, codes, labels, kk=3)),
                ("expected an integer", lambda: probe(codes, labels, codes, labels, k="x")),
                ("k is a object", lambda: probe(codes, labels, codes, labels, k=object())),
                ("random inputs need the network",
                 lambda: tessera.probe("redundancy", codes, labels, codes, labels, random=9)),
                ("needs labels", lambda: probe(codes, None, codes, None)),
                ("only the training codes", lambda: probe(codes, labels, codes, None)),
                (r"shape \(9,\), expected \(360,\)", lambda: probe(codes, labels[:9], codes, labels)),
                ("float64, expected whole", lambda: probe(codes, labels * 0.5, codes, labels)),
                ("label 0, counted from 0, is -1", lambda: probe(codes, np.full(360, -1), codes, labels)),
                ("label 0, counted from 0, is 1099511627776", lambda: probe(codes, np.full(360, 2**40), codes, labels)),
                ("is 2000000000, expected 0 to 1048575", lambda: probe(codes, np.full(360, 2000000000), codes, labels)),
                ("none.onnx: cannot be read", lambda: tessera.load_model("none.onnx")),
                (r"expected \(n, 1, 8, 8\)", lambda: self.model.encode(np.zeros((3, 5)))),
                ("no layer of the code is called", lambda: self.model.values(self.data.test[0], "x")),
                ("there are 2", lambda: self.model.values(self.data.test[0], 2)),
                ("expected 1 to 6 counts", lambda: tessera.build_model("mlp", (), 3)),
                ("0 outputs", lambda: tessera.build_model("mlp", (3,), 0)),
                ("no dataset is called", lambda: tessera.dataset("unheard")),
                ("none: no such folder", lambda: tessera.dataset("idx", path=str(self.here / "none"))),
                ("expected a results folder", lambda: tessera.results(self.here))):
            with self.assertRaisesRegex(tessera.Error, text):
                call()

    def test_errors_tell_their_kind(self):
        with self.assertRaises(tessera.Error) as caught:
            tessera.load_model("none.onnx")
        self.assertEqual(caught.exception.kind, "refused")


if __name__ == "__main__":
    unittest.main()
