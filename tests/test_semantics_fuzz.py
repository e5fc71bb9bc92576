"""Semantics: every function of NumPy, called with nodes in every plausible way, records, answers or refuses."""

import types
import warnings

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, Value
from tinygrad_edu.node import Node

NO_DISPATCH = """
    asarray asanyarray array ascontiguousarray asfortranarray asarray_chkfinite asmatrix require bmat save savez
    savez_compressed savetxt load loadtxt fromfile genfromtxt fromregex show_config show_runtime info printoptions
    set_printoptions errstate seterr seterrcall setbufsize test frompyfunc vectorize nditer nested_iters broadcast
    frombuffer fromiter fromstring full bartlett blackman hamming hanning kaiser i0"""
"""Functions that read any object through np.asarray, which works by contract; or that print, or write files."""
OF_THE_SHAPE = "zeros_like ones_like empty_like full_like"
"""Plain arrays of a node's shape, with no number of its own in them."""
TWO_OPERANDS = """
    where dot vdot inner outer tensordot kron cross convolve correlate append concatenate trapezoid isin solve lstsq
    polyval full_like allclose"""
"""Functions whose second argument is a number to differentiate by, as the first is."""
JOINING = "concatenate concat stack vstack hstack dstack column_stack block row_stack"
"""Functions that look for nodes inside a sequence; the others read lists by np.asarray, which works by contract."""
ALIKE = (Node, bool, int, str, np.bool_, np.integer, np.dtype, type, type(None), types.GeneratorType, np.finfo)

FUNCTIONS = [(module, name) for module in (np, np.linalg, np.fft) for name in sorted(dir(module))
             if not name.startswith("_") and callable(getattr(module, name)) and not isinstance(getattr(module, name),
                                                                                                type)
             and name not in NO_DISPATCH.split()]
DATA = {"matrix": (Tensor([[0.5, 0.7], [0.2, 0.3]]), Tensor([[1.0, 2.0], [3.0, 4.0]])),
        "vector": (Tensor([0.5, 0.7]), Tensor([1.0, 2.0])), "number": (Tensor(0.5), Tensor(2.0)),
        "Value": (Value(0.5), Value(2.0)), "one Value": (Value(1.0), 2.0)}


def calls(t, u, function):
    """Arguments to try: nodes first, and behind an array or a mask where the function reads numbers there."""
    array = np.ones(np.shape(t.data))
    mask, index = array > 0.5, np.array([0, 1])
    attempts = [(t,), (t, u), (t, 0), (t, 1.0), (t, index), (t, u, u), (t, 0.3, 0.6), (t, (0, 1)), (t, (2, -1)),
                (t, index, 0),
                (t, mask), (t, 1, 0), (t, 0, None), ("ij,ij->i", t, u), ("i,i", t, u), ([t, u],), ((t, array), 0)]
    if isinstance(function, np.ufunc) or function.__name__ in TWO_OPERANDS.split():
        attempts += [(array, t), (mask, t, u), (mask, t, 0.0), (mask, 0.0, t)]
    return attempts


def wrong(result, name):
    """What is wrong with a result: an object array, or numbers where a gradient would be expected."""
    if isinstance(result, ALIKE):
        return ""
    if isinstance(result, (list, tuple)):
        return next((text for text in (wrong(part, name) for part in result) if text), "")
    if isinstance(result, np.ndarray):
        if result.dtype == object:
            return "an object array"
        harmless = result.dtype.kind in "biuUS" or name in OF_THE_SHAPE.split()
        return "" if harmless else f"a detached {result.dtype} array"
    return f"a {type(result).__name__}"


def faults(function, name, arguments):
    """What is wrong with one call, in words; empty where it records, answers or refuses."""
    plain = [np.asarray(x.data) if isinstance(x, Node) else x for x in arguments]
    try:
        result = function(*arguments)
    except (TypeError, ValueError, IndexError, AttributeError, KeyError):
        return ""
    fault = wrong(result, name)
    mine = [r for r in (result if isinstance(result, (list, tuple)) else [result]) if isinstance(r, Node)]
    if fault or not mine:
        return fault
    try:
        numpys = function(*plain)
    except (TypeError, ValueError, IndexError, AttributeError, KeyError):
        return ""
    numpys = numpys if isinstance(numpys, (list, tuple)) else [numpys]
    for r, expected in zip(mine, numpys, strict=True):
        if not r.requires_grad:
            return "a detached node"
        if np.shape(r.data) != np.shape(expected) or not np.allclose(r.data, expected, rtol=1e-12, equal_nan=True):
            return f"{r} in place of {expected}"
    return ""


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("module", [np, np.linalg, np.fft], ids=lambda module: module.__name__)
def test_no_numpy_function_detaches_a_node(module, kind):
    """A call returns nodes, or plain truth values and indices, or raises; the results that are nodes are right."""
    found, recorded = [], set()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for name in sorted(n for m, n in FUNCTIONS if m is module):
            function, (t, u) = getattr(module, name), DATA[kind]
            for arguments in calls(t, u, function):
                if isinstance(arguments[0], (list, tuple)) and name not in JOINING.split():
                    continue
                fault = faults(function, name, arguments)
                if fault:
                    found.append(f"{name}{arguments} gave {fault}")
                else:
                    recorded.add(name)
    assert not found, f"{len(found)} calls, such as\n" + "\n".join(found[:10])
    assert recorded


@pytest.mark.parametrize("name", [n for n in dir(np) if isinstance(getattr(np, n), np.ufunc)])
@pytest.mark.parametrize("kind", ["matrix", "Value"])
def test_no_ufunc_method_detaches_a_node(name, kind):
    """reduce, accumulate, outer, reduceat and at: nodes, a TypeError, or (of comparisons) plain truth values."""
    ufunc, (t, u) = getattr(np, name), DATA[kind]
    array = np.ones(np.shape(t.data))
    attempts = [lambda: ufunc.reduce(t), lambda: ufunc.accumulate(t), lambda: ufunc.outer(t, u),
                lambda: ufunc.outer(array, u),
                lambda: ufunc.reduceat(t, [0]), lambda: ufunc.at(array, 0, t), lambda: ufunc.at(t, 0, 1.0),
                lambda: ufunc(t, out=array), lambda: ufunc(array, t, out=array), lambda: ufunc(t, u, where=array > 0.0)]
    for attempt in attempts:
        try:
            result = attempt()
        except (TypeError, ValueError, RuntimeError):  # NumPy's for reductions of matmul
            continue
        assert not wrong(result, name)
        assert isinstance(result, Node) or np.asarray(result).dtype == bool
    assert np.array_equal(array, np.ones_like(array))


def test_lists_of_nodes_make_no_object_array():
    """NumPy reads a list of nodes as numbers at the most: no object array comes out."""
    for v, w in ((Value(0.5), Value(2.0)), (Tensor(0.5), Tensor(2.0))):
        for make in (np.array, np.asarray, np.exp, np.sort, np.ravel, lambda x: np.add(x, 1.0),
                     lambda x: np.full(2, x[0])):
            try:
                result = make([v, w])
            except TypeError:
                continue
            assert isinstance(result, Node) or result.dtype != object


def test_every_listed_ufunc_of_numpy_is_ours():
    """A ufunc of NumPy with the name of one of our functions records through NumPy's name."""
    t = Tensor([0.3, 0.6])
    for name in dir(np):
        ufunc = getattr(np, name)
        if isinstance(ufunc, np.ufunc) and hasattr(tg, name) and ufunc.nin == 1:
            with np.errstate(all="ignore"):
                np.testing.assert_array_equal(ufunc(t).data, getattr(tg, name)(t).data)
