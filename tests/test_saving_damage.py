"""Files that were cut short, changed or never finished: told, or as they were, and never half of something."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import FileFormatError
from tinygrad_edu.saving import atomic

SUFFIXES = (".npz", ".safetensors")


def objects(seed):
    """A small model with a Value, an optimiser that remembers, a scheduler, and a generator with arrays."""
    model = nn.Module()
    model.w, model.b = tg.Tensor([[seed + 1.0, 2.0]]), tg.Value(seed + 0.5)
    model.count, model.nothing = np.array(seed, np.int64), np.zeros((0, 3))
    optimizer = optim.SGD([model.w, model.b], lr=0.1, momentum=0.5)
    optimizer.zero_grad()
    model.w.grad, model.b.grad = np.ones((1, 2)) * seed, 2.0
    optimizer.step()
    return {"model": model, "optimizer": optimizer, "scheduler": optim.StepLR(optimizer, 2 + seed),
            "rng": np.random.Generator(np.random.SFC64(seed))}


def state(given):
    """All that is saved, as text that is equal only bit for bit."""
    with np.printoptions(floatmode="unique"):
        return repr([x.bit_generator.state if isinstance(x, np.random.Generator) else x.state_dict()
                     for x in given.values()])


@pytest.fixture(params=SUFFIXES)
def saved(request, tmp_path):
    """The path of a small file with everything in it, and its bytes."""
    path = tmp_path / f"file{request.param}"
    tg.save(path, **objects(0), note="hello", history=[1.5, float("inf")])
    return path, path.read_bytes()


def test_a_file_cut_short_anywhere_is_told(saved):
    """At every length; and no object has changed."""
    path, data = saved
    others = objects(1)
    before = state(others)
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(FileFormatError, match=f"{path.name} is damaged"):
            tg.load(path, **others)
    assert state(others) == before


@pytest.mark.parametrize("change", [lambda byte: byte ^ 0xFF, lambda byte: byte ^ 0x01, lambda byte: 0x30],
                         ids=["every bit", "the lowest bit", "the digit 0"])
def test_a_changed_byte_is_told_or_does_not_matter(saved, change):
    """Every byte of the file, header and numbers: an error, or all as it was saved, never another number."""
    path, data = saved
    wanted, told, others = state(objects(0)), 0, objects(1)
    before = state(others)
    for i, byte in enumerate(data):
        if change(byte) == byte:
            continue
        path.write_bytes(data[:i] + bytes([change(byte)]) + data[i + 1:])
        try:
            rest = tg.load(path, **others)
        except FileFormatError:
            assert state(others) == before, i
            told += 1
        else:
            assert state(others) == wanted, i
            assert rest == {"note": "hello", "history": [1.5, float("inf")]}, i
            others = objects(1)
    assert told > 0


def test_bytes_appended_or_put_before_are_told_or_do_not_matter(saved):
    """Whatever a file carries besides, no number of another object is made of it."""
    path, data = saved
    for other in (data + b"\0", data + data, b"\0" + data, data[8:], b""):
        path.write_bytes(other)
        others = objects(1)
        before = state(others)
        try:
            tg.load(path, **others)
        except FileFormatError:
            assert state(others) == before
        else:
            assert state(others) == state(objects(0))


def test_a_file_under_the_suffix_of_the_other_kind_is_told(saved):
    """Neither reader takes the other's file for something."""
    path, data = saved
    other = path.with_suffix(next(suffix for suffix in SUFFIXES if suffix != path.suffix))
    other.write_bytes(data)
    with pytest.raises(FileFormatError, match="damaged, or no"):
        tg.load(other)


# ---- written whole ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_where_writing_fails_the_old_file_stays_and_nothing_else(saved, monkeypatch, step, error):
    """A full disk and Ctrl-C: while writing, on the way to the disk, on taking the old one's place."""
    path, data = saved

    def fail(*_):
        raise error

    if step == "write":
        really = atomic.Path.open
        monkeypatch.setattr(atomic.Path, "open", lambda self, mode: _Failing(really(self, mode), error))
    elif step == "fsync":
        monkeypatch.setattr(atomic.os, "fsync", fail)
    else:
        monkeypatch.setattr(atomic.Path, "replace", fail)
    with pytest.raises(type(error)):
        tg.save(path, **objects(1))
    monkeypatch.undo()
    assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


class _Failing:
    """A file that takes half of what it is given."""

    def __init__(self, file, error):
        self.file, self.error = file, error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, data):
        self.file.write(data[:len(data) // 2])
        raise self.error


def test_a_file_reaches_the_disk_before_it_takes_the_old_ones_place(tmp_path, monkeypatch):
    """Its content is synced, then the name is changed, then the folder is synced."""
    events, fsync, replace = [], os.fsync, atomic.Path.replace
    monkeypatch.setattr(atomic.os, "fsync", lambda fd: (events.append("sync"), fsync(fd)))
    monkeypatch.setattr(atomic.Path, "replace", lambda self, to: (events.append("replace"), replace(self, to)))
    tg.save(tmp_path / "m.npz", epoch=1)
    assert events == (["sync", "replace", "sync"] if os.name == "posix" else ["sync", "replace"])


def test_links_are_followed_and_new_files_have_ordinary_rights(tmp_path):
    """A link stays a link; a file is readable as any other that the user makes."""
    (tmp_path / "folder").mkdir()
    target, link, plain = tmp_path / "folder" / "target.npz", tmp_path / "link.npz", tmp_path / "plain"
    link.symlink_to(target)
    tg.save(link, epoch=1)
    tg.save(link, epoch=2)
    plain.write_bytes(b"")
    assert link.is_symlink()
    assert tg.load(target) == {"epoch": 2}
    assert target.stat().st_mode == plain.stat().st_mode
    assert list(target.parent.iterdir()) == [target]


WRITER = """
import sys
import numpy as np
import tinygrad_edu as tg
for n in range(int(sys.argv[2]), 10**9):
    tg.save(sys.argv[1], {"a": np.full(300_000, float(n)), "b": np.full(300_000, float(n))}, n=n)
    print(n, flush=True)
"""


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_killed_process_leaves_the_last_file_or_the_one_before(tmp_path, suffix):
    """kill -9 at twelve moments of repeated saves of 5 MB: what is there is one whole state, never older than told."""
    path, rng, start = tmp_path / f"big{suffix}", np.random.default_rng(0), 0
    for _ in range(12):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(start)], stdout=subprocess.PIPE)
        try:
            told = int(writer.stdout.readline())  # it is saving now
            time.sleep(rng.uniform(0.0, 0.08))
        finally:
            writer.kill()
            rest, _ = writer.communicate()
        told = int(rest.split()[-1]) if rest.endswith(b"\n") else told
        loaded = tg.load(path)
        start = loaded["n"]
        assert start in (told, told + 1)
        assert all(np.array_equal(x, np.full(300_000, float(start))) for x in loaded["model"].values())
    left = [file.name for file in tmp_path.iterdir() if file != path]
    assert all(name.startswith(".big") and name.endswith(".partial") for name in left)
    tg.save(path, n=-1)
    assert tg.load(path) == {"n": -1}
