"""save and load: what goes in comes out bit for bit; what does not fit is refused, and changes nothing."""

import json
import math
import os
import pickle
import sys
import zipfile

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import DataError, FileFormatError, MissingExtraError, ShapeError

SUFFIXES = (".npz", ".safetensors")
BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")


@pytest.fixture(params=SUFFIXES)
def path(request, tmp_path):
    """A file of either kind, still to be written."""
    return tmp_path / f"file{request.param}"


def bits(x):
    """Plain data as text in which equal means equal bit for bit, dtypes, kinds of number and of container included."""
    if isinstance(x, (np.ndarray, np.generic)):
        return f"{type(x).__name__} {x.dtype.str} {x.shape} {x.tobytes().hex()}"
    if isinstance(x, float):
        return f"float {np.float64(x).tobytes().hex()}"
    if isinstance(x, dict):
        return f"dict {[(bits(key), bits(item)) for key, item in x.items()]}"
    if isinstance(x, (list, tuple)):
        return f"{type(x).__name__} {[bits(item) for item in x]}"
    return f"{type(x).__name__} {x!r}"


def model_of_both_kinds():
    """A module with Tensors, Values and buffers of several dtypes."""
    model = nn.Module()
    model.layers = [nn.Linear(3, 2, rng=0), nn.BatchNorm1d(2), nn.MLP(2, [2, 1], rng=1)]
    model.single = tg.Tensor(np.float32(1.5), dtype=np.float32)
    model.mask, model.counts = np.array([True, False]), np.arange(3, dtype=np.int8)
    return model


# ---- there and back --------------------------------------------------------------------------------------------------


def test_a_model_comes_back_bit_for_bit(path):
    """Values, Tensors and buffers, into a model with other numbers; nothing is left over."""
    model, other = model_of_both_kinds(), model_of_both_kinds()
    for parameter in other.parameters():
        parameter.data = parameter.data * 0.0
    other.mask[...] = True
    tg.save(path, model)
    assert tg.load(path, other) == {}
    assert bits(other.state_dict()) == bits(model.state_dict())
    assert bits(tg.load(path)) == bits({"model": model.state_dict()})


@pytest.mark.parametrize("number", [0.0, -0.0, 5e-324, -2.2250738585072014e-308, math.inf, -math.inf, 0.1, 1.7e308,
                                    np.frombuffer(bytes(6) + b"\xf8\xff", np.float64)[0],
                                    np.frombuffer(b"\x01\x23\x45\x67\x89\xab\xf4\x7f", np.float64)[0]])
def test_every_float_comes_back_bit_for_bit(path, number):
    """Signed zeros, subnormals, infinities, and NaN with sign and payload: as a Value, a number, and in an array."""
    number = float(number)
    entries = {"w": number, "a": np.array([number])}
    tg.save(path, entries, plain=[number], scalar=np.float64(number))
    assert bits(tg.load(path)) == bits({"model": entries, "plain": [number], "scalar": np.float64(number)})


KINDS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", ">f2", ">f4", ">f8", ">i2", ">u8")
ARRAYS = {
    "0-d": np.array(2.5), "empty": np.zeros((0, 3)), "empty 2": np.zeros((2, 0), np.int16), "bool": np.eye(2) > 0.0,
    **{kind: np.array([[1, 0, 2]]).astype(kind) for kind in KINDS},
    "big": np.array([2**64 - 1], np.uint64), "Fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(12.0)[::-2], "transposed": np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
    "broadcast": np.broadcast_to(np.arange(3.0), (2, 3)), "big Fortran": np.asfortranarray(np.ones((2, 3), ">f4")),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_every_array_comes_back_with_dtype_and_shape(path, name):
    """Of the model and elsewhere, whatever its order in memory; what comes out can be written to."""
    array = ARRAYS[name]
    tg.save(path, {"x": array}, plain={"deep": [array]})
    loaded = tg.load(path)
    assert bits(loaded) == bits({"model": {"x": array}, "plain": {"deep": [array]}})
    assert loaded["model"]["x"].flags.writeable


KEYS = st.one_of(st.text(st.characters(exclude_characters="\0", codec="utf-8")), st.integers(), st.booleans(),
                 st.none(), st.floats(allow_nan=False))
PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(),
              st.sampled_from([np.float32(0.1), np.int64(-3), np.bool_(True), *ARRAYS.values()])),
    lambda inner: st.one_of(st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(KEYS, inner)), max_leaves=20)


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(plain=PLAIN)
def test_plain_data_come_back_exactly(tmp_path_factory, suffix, plain):
    """Kinds of numbers, of keys and of containers, arrays anywhere inside."""
    path = tmp_path_factory.getbasetemp() / f"plain{suffix}"
    tg.save(path, history=plain)
    assert bits(tg.load(path)) == bits({"history": plain})


def test_names_that_meet_are_kept_apart(path):
    """Keys 1 and "1", keys with slashes, and names of the model that look like those of other arrays."""
    model = {"more/1": np.array([1.0]), "file": np.array([2.0]), "a": np.array([3.0]), "a.npy": np.array([4.0])}
    more = {1: np.array([5.0]), "1": np.array([6.0]), "1/2": np.array([7.0])}
    tg.save(path, model, more=more)
    assert bits(tg.load(path)) == bits({"model": model, "more": more})


@pytest.mark.parametrize("kind", BIT_GENERATORS)
def test_random_generators_go_on_where_they_were(path, kind):
    """Of every kind that NumPy has, also after an odd number of 32-bit draws, one by one, in lists and in dicts."""
    made = [np.random.Generator(getattr(np.random, kind)(seed)) for seed in range(6)]
    for rng in made[:3]:
        rng.integers(5, dtype=np.uint32)
        rng.standard_normal(3)
    tg.save(path, one=made[0], several=[made[1], {"deep": made[2]}])
    assert tg.load(path, one=made[3], several=[made[4], {"deep": made[5]}]) == {}
    for saved, restored in zip(made[:3], made[3:], strict=True):
        assert np.array_equal(saved.integers(2**32, size=5, dtype=np.uint32),
                              restored.integers(2**32, size=5, dtype=np.uint32))
        assert np.array_equal(saved.standard_normal(700), restored.standard_normal(700))


def test_generators_finds_the_default_one_and_those_of_layers():
    """Each once, by the name of its place."""
    shared = np.random.default_rng(3)
    model = nn.Sequential(nn.Dropout(rng=shared), nn.Dropout(), nn.Dropout(rng=1), nn.Dropout(rng=shared))
    found = tg.generators(model)
    assert list(found) == ["default", "model.0.rng", "model.2.rng"]
    assert found["model.0.rng"] is shared
    assert list(tg.generators()) == ["default"]
    before = found["default"].bit_generator.state
    nn.Linear(2, 2)
    assert found["default"].bit_generator.state != before


# ---- others' files ---------------------------------------------------------------------------------------------------


def test_the_safetensors_library_reads_the_model_under_its_own_names(tmp_path):
    """weight and bias, and what else was saved under its name."""
    model = nn.Linear(3, 2, rng=0)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(np.ones((1, 3))).sum().backward()
    optimizer.step()
    tg.save(tmp_path / "m.safetensors", model, optimizer=optimizer)
    read = safetensors.numpy.load_file(tmp_path / "m.safetensors")
    assert np.array_equal(read["weight"], model.weight.data)
    assert np.array_equal(read["bias"], model.bias.data)
    assert sorted(read) == ["bias", "optimizer/state/0/v", "optimizer/state/1/v", "weight"]
    with safetensors.safe_open(tmp_path / "m.safetensors", "np") as file:
        assert all(isinstance(text, str) for text in file.metadata().values())


def test_numpy_reads_an_npz(tmp_path):
    """np.load has the arrays of the model under their names."""
    tg.save(tmp_path / "m.npz", nn.Linear(3, 2, rng=0), epoch=1)
    with np.load(tmp_path / "m.npz", allow_pickle=False) as read:
        assert np.array_equal(read["weight"], nn.Linear(3, 2, rng=0).weight.data)


def test_files_from_elsewhere_load_into_a_model_of_the_same_names(tmp_path):
    """Arrays saved by other libraries, in float32, in Fortran order, compressed, with metadata of others."""
    weight, bias = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)), np.ones(2, np.float32)
    arrays = {"weight": np.ascontiguousarray(weight), "bias": bias}
    safetensors.numpy.save_file(arrays, tmp_path / "a.safetensors", {"format": "pt"})
    np.savez(tmp_path / "b.npz", weight=weight, bias=bias)
    np.savez_compressed(tmp_path / "c.npz", weight=weight, bias=bias)
    for name in ("a.safetensors", "b.npz", "c.npz"):
        model = nn.Linear(3, 2)
        assert tg.load(tmp_path / name, model) == {}
        assert np.array_equal(model.weight.data, weight)
        assert model.weight.data.dtype == np.float64
        assert bits(tg.load(tmp_path / name)["model"]["bias"]) == bits(bias)


def test_kinds_of_number_that_numpy_lacks_are_named(tmp_path):
    """bfloat16 from elsewhere is told, not misread."""
    header = json.dumps({"w": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    path = tmp_path / "b.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(FileFormatError, match=r"b\.safetensors: .* the kind BF16; save them as F32"):
        tg.load(path)


# ---- what does not fit -----------------------------------------------------------------------------------------------


def everything(seed, sizes=(3, 2)):
    """A model, its optimiser after a step, a scheduler and a generator."""
    model = nn.Sequential(nn.Linear(*sizes, rng=seed), nn.Dropout(rng=seed))
    optimizer = optim.Adam(model.parameters(), lr=0.1 + seed)
    scheduler = optim.StepLR(optimizer, 2)
    model(np.ones((4, sizes[0]))).sum().backward()
    optimizer.step()
    scheduler.step()
    return {"model": model, "optimizer": optimizer, "scheduler": scheduler, "rng": np.random.default_rng(seed)}


def in_order(x):
    """Dicts by their keys: in which order an optimiser names what it remembers is left to chance."""
    if isinstance(x, dict):
        return {key: in_order(x[key]) for key in sorted(x, key=repr)}
    return [in_order(item) for item in x] if isinstance(x, list) else x


def state(objects):
    """Their whole state."""
    return bits(in_order([x.bit_generator.state if isinstance(x, np.random.Generator) else x.state_dict()
                          for x in objects.values()]))


class Stubborn:
    """It has a state, and may refuse another after taking half of it."""

    def __init__(self, entry, error=None):
        self.entry, self.other, self.error = entry, entry, error

    def state_dict(self):
        return {"entry": self.entry, "other": self.other}

    def load_state_dict(self, state):
        self.entry = state["entry"]
        if self.error is not None and state["entry"] != self.other:
            raise self.error
        self.other = state["other"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyError("x"), KeyboardInterrupt()])
def test_where_one_object_refuses_all_are_as_they_were(path, error):
    """Those before it are rolled back, it itself too, and a model is not even touched: graphs over it stay fresh."""
    tg.save(path, **everything(0), last=Stubborn(1.0))
    objects = {**everything(1), "last": Stubborn(2.0, error)}
    before, graph = state(objects), (objects["model"].layers[0](np.ones((1, 3))) ** 2).sum()
    with pytest.raises(type(error)):
        tg.load(path, **objects)
    assert state(objects) == before
    graph.backward()
    rest = tg.load(path, **{name: x for name, x in objects.items() if name != "last"})
    assert rest == {"last": {"entry": 1.0, "other": 1.0}}
    assert state(objects) != before


MISFITS = {
    "another size": (lambda o: {**o, "model": nn.Sequential(nn.Linear(4, 2), nn.Dropout(rng=0))}, ShapeError,
                     r"0\.weight has shape \(2, 3\) in place of \(2, 4\)"),
    "other names": (lambda o: {**o, "model": nn.Linear(3, 2)}, ShapeError,
                    r"weight is missing.*0\.weight is unexpected"),
    "another optimiser": (lambda o: {**o, "optimizer": optim.AdamW(o["model"].parameters())}, DataError,
                          "optimizer was saved as the state of Adam, and cannot be restored into AdamW"),
    "fewer parameters": (lambda o: {**o, "optimizer": optim.Adam(o["model"].parameters()[:1])}, ShapeError,
                         r"groups of \[2\] parameters in place of \[1\]"),
    "another scheduler": (lambda o: {**o, "scheduler": optim.ExponentialLR(o["optimizer"], 0.5)}, DataError,
                          "the state of StepLR, and cannot be restored into ExponentialLR"),
    "another generator": (lambda o: {**o, "rng": np.random.Generator(np.random.MT19937(0))}, DataError,
                          "rng was saved as the state of PCG64, and cannot be restored into MT19937"),
    "in a list": (lambda o: {**o, "rng": [o["rng"]]}, DataError, "cannot be restored into a list"),
    "plain data": (lambda o: {**o, "epoch": 3}, DataError, "epoch was saved as a int.*leave it out"),
    "None": (lambda o: {**o, "rng": None}, DataError, "cannot be restored into None"),
    "missing": (lambda o: {**o, "ema": o["rng"]}, DataError, r"holds no ema, but model, optimizer, scheduler, rng"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_is_told_and_changes_nothing(path, name):
    """Sizes, names, classes, containers; of everything that was to be restored."""
    tg.save(path, **everything(0), epoch=2)
    change, kind, message = MISFITS[name]
    objects = everything(1)
    before, given_objects = state(objects), change(objects)
    with pytest.raises(kind, match=message):
        tg.load(path, **given_objects)
    assert state(objects) == before


def test_numbers_are_not_rounded_unasked(path):
    """float64 into float32: of a model, and of what an optimiser remembers."""
    tg.save(path, **everything(0))
    tg.set_default_dtype("float32")
    try:
        objects = everything(1)
    finally:
        tg.set_default_dtype("float64")
    before = state(objects)
    with pytest.raises(DataError, match=r"model: '0.weight' is float64 in the file, and float32 in this"):
        tg.load(path, objects["model"])
    with pytest.raises(DataError, match="optimizer does not take the state exactly that was saved"):
        tg.load(path, optimizer=objects["optimizer"])
    assert state(objects) == before
    objects["model"].load_state_dict(tg.load(path)["model"])
    assert objects["model"].layers[0].weight.dtype == np.float32


NOT_SAVED = {
    "set": {1}, "bytes": b"x", "function": print, "complex": 1j, "objects": np.array([None]), "text": np.array(["a"]),
    "complex array": np.zeros(2, complex), "times": np.zeros(2, "M8[s]"), "long": np.zeros(2, np.longdouble),
    "masked": np.ma.array([1.0, 2.0], mask=[True, False]), "record": np.zeros(2, "f8,i4"), "node": tg.Value(1.0),
    "state": np.random.RandomState(0), "surrogate": {"\ud800": np.ones(1)}, "zero byte": {"a\0b": np.ones(1)},
    "endless": {"n" * 70_000: np.ones(1)},
}


@pytest.mark.parametrize("name", NOT_SAVED)
def test_what_cannot_be_saved_is_told_and_no_file_is_touched(path, name):
    """Wherever it is; the file that was there stays."""
    tg.save(path, epoch=1)
    before = path.read_bytes()
    for more in ({"history": NOT_SAVED[name]}, {"history": {"deep": [NOT_SAVED[name]]}}):
        with pytest.raises(DataError, match="history"):
            tg.save(path, **more)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("model", [{"w": "text"}, {"w": [1.0]}, {3: 1.0}, {"": 1.0}, {"__metadata__": 1.0}, 3.0,
                                   {"__tinygrad_edu__": 1.0}, {"w": 2**70}, [np.ones(1)]])
def test_models_that_no_file_can_hold_are_told(path, model):
    """Entries that are no arrays of numbers, names that are no names, and what is no model at all."""
    with pytest.raises(DataError, match="save: "):
        tg.save(path, model)
    assert not path.exists()


def test_data_that_hold_themselves_are_told(path):
    """In place of a RecursionError."""
    endless = []
    endless.append(endless)
    with pytest.raises(DataError, match="history holds itself"):
        tg.save(path, history=endless)


def test_missing_files_and_unknown_suffixes_are_told(tmp_path):
    """Before anything is read or written."""
    for suffix in SUFFIXES:
        with pytest.raises(FileNotFoundError):
            tg.load(tmp_path / f"none{suffix}", nn.Linear(1, 1))
        with pytest.raises(FileNotFoundError):
            tg.save(tmp_path / "no folder" / f"none{suffix}", nn.Linear(1, 1))
    for name in ("model.pt", "model", "model.npz.bak"):
        with pytest.raises(FileFormatError, match=r"use one of \.safetensors, \.npz"):
            tg.save(tmp_path / name, nn.Linear(1, 1))
        with pytest.raises(FileFormatError, match=r"use one of \.safetensors, \.npz"):
            tg.load(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_the_absence_of_safetensors_is_told(tmp_path, monkeypatch):
    """By the command that brings it; .npz goes on working."""
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tinygrad_edu\[interop\]'"):
        tg.save(tmp_path / "m.safetensors", nn.Linear(1, 1))
    (tmp_path / "m.safetensors").write_bytes(b"")
    with pytest.raises(MissingExtraError, match=r"pip install 'tinygrad_edu\[interop\]'"):
        tg.load(tmp_path / "m.safetensors")
    tg.save(tmp_path / "m.npz", nn.Linear(1, 1))


def test_nothing_is_unpickled(tmp_path):
    """An object array in an .npz, and a pickle under that name, whose code must not run."""
    trap = tmp_path / "sprung"

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(trap),)

    path = tmp_path / "bomb.npz"
    np.savez(path, weight=np.array([Bomb()], object))
    model = nn.Linear(1, 1, bias=False)
    before = bits(model.state_dict())
    with pytest.raises(FileFormatError, match=r"bomb\.npz: 'weight' in it holds pickled objects.*nothing is unpickled"):
        tg.load(path, model)
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(FileFormatError, match=r"damaged, or no \.npz file"):
        tg.load(path, model)
    assert not trap.exists()
    assert bits(model.state_dict()) == before


def test_an_array_that_claims_more_than_the_file_holds_is_refused(tmp_path):
    """A header of 10^15 numbers; a header length of 10^18; members that are no arrays, or two of one name."""
    path = tmp_path / "claims.npz"
    with zipfile.ZipFile(path, "w") as archive, archive.open("weight.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)})
    with pytest.raises(FileFormatError):
        tg.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("run.py", "print()")
    with pytest.raises(FileFormatError, match=r"'run\.py' in it is no array"):
        tg.load(path)
    path = tmp_path / "claims.safetensors"
    for length in (10**18, 2**63, 2**64 - 1, 0):
        path.write_bytes(length.to_bytes(8, "little") + b"{}")
        with pytest.raises(FileFormatError, match="damaged"):
            tg.load(path)


def test_models_may_be_given_by_name(path):
    """save(path, model=...) is save(path, ...)."""
    tg.save(path, model=nn.Linear(2, 1, rng=0))
    model = nn.Linear(2, 1, rng=1)
    tg.load(path, model=model)
    assert np.array_equal(model.weight.data, nn.Linear(2, 1, rng=0).weight.data)


def test_plain_states_can_be_saved_again(path, tmp_path):
    """What load returns goes into another file, from which the objects are restored as from the first."""
    objects = everything(0)
    tg.save(path, **objects)
    again = tmp_path / f"again{path.suffix}"
    tg.save(again, **tg.load(path))
    others = everything(1)
    tg.load(again, **others)
    assert state(others) == state(objects)
