"""What notebooks/run.py promises, tested without Jupyter, without the kernel, and on this machine's loopback only."""

import contextlib
import errno
import hashlib
import http.server
import importlib.util
import io
import itertools
import json
import os
import queue
import re
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent
spec = importlib.util.spec_from_file_location("run", ROOT / "notebooks" / "run.py")
run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run)


def code(source, outputs=()):
    return {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "execution_count": 9, "outputs": list(outputs)}


def value(**data):
    return {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 9}


def stream(name, text):
    return {"output_type": "stream", "name": name, "text": text}


def notebook(*cells):
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        quiet = contextlib.redirect_stdout(io.StringIO())
        quiet.__enter__()
        self.addCleanup(quiet.__exit__, None, None, None)

    def files(self):
        """All but the empty ones that are locked while a run is at work."""
        there = (path for path in self.folder.rglob("*") if path.is_file() and path.parent.name != "locks")
        return sorted(str(path.relative_to(self.folder)) for path in there)


class Downloads(InFolder):
    """A data set arrives whole or not at all."""

    def setUp(self):
        super().setUp()
        self.answers, self.asked = {}, []
        test = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                test.asked.append(self.path)
                if self.path not in test.answers:
                    return self.send_error(404)
                answer = test.answers[self.path]
                if callable(answer):
                    return answer(self)
                body, length = answer
                self.begin(length)
                self.wfile.write(body)

            def begin(self, length=None):
                self.send_response(200)
                if length is not None:
                    self.send_header("Content-Length", str(length))
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *_: None  # whom it served may hang up
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.home = f"http://127.0.0.1:{server.server_port}"
        for patch in (
            mock.patch.dict(os.environ, {"SHARP_MINIMA_MIRROR": self.home + "/", "no_proxy": "127.0.0.1"}),
            mock.patch.dict(run.SOURCES),
            mock.patch.object(run, "HOUSE", self.folder / "house"),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def serve(self, name, body, length=None):
        self.answers[f"/{name}"] = (body, len(body) if length is None else length)

    def plain(self, body):
        """A data set of one file, `a.gz`, that should be `body`."""
        run.SOURCES["mnist"] = run.Source("", "sha256", {"a.gz": run.File(hashlib.sha256(body).hexdigest(), len(body))})

    def packed(self, entries, members):
        """A data set of one archive with these entries, of which `members` are wanted."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for name, body in entries.items():
                entry = tarfile.TarInfo(name)
                if body is None:
                    entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/hostname"
                else:
                    entry.size = len(body)
                tar.addfile(entry, io.BytesIO(body or b""))
        archive = buffer.getvalue()
        file = run.File(hashlib.md5(archive).hexdigest(), len(archive))
        run.SOURCES["cifar10"] = run.Source("", "md5", {"c.tgz": file}, "inner", members)
        self.serve("c.tgz", archive)

    def refused(self, name, *words):
        with self.assertRaises(run.Stop) as caught:
            run.download(name, self.folder)
        for word in words:
            self.assertIn(word, str(caught.exception))
        return str(caught.exception)

    def served_by(self, answer):
        """Lets a function answer for `a.gz`, which ends quietly where the other side hangs up."""

        def quietly(handler):
            with contextlib.suppress(OSError):
                answer(handler)

        self.answers["/a.gz"] = quietly

    def said(self, name):
        """What a download that goes well prints."""
        with contextlib.redirect_stdout(io.StringIO()) as out:
            run.download(name, self.folder)
        return out.getvalue()

    def test_a_good_file_arrives(self):
        self.plain(b"right" * 1000)
        self.serve("a.gz", b"right" * 1000)
        run.download("mnist", self.folder)
        self.assertEqual(self.files(), ["mnist/a.gz"])
        self.assertEqual((self.folder / "mnist/a.gz").read_bytes(), b"right" * 1000)

    def test_a_right_file_is_not_fetched_again(self):
        self.plain(b"right")
        self.serve("a.gz", b"right")
        run.download("mnist", self.folder)
        run.download("mnist", self.folder)
        self.assertEqual(self.asked, ["/a.gz"])

    def test_a_wrong_file_there_is_replaced(self):
        self.plain(b"right")
        self.serve("a.gz", b"right")
        (self.folder / "mnist").mkdir()
        (self.folder / "mnist/a.gz").write_bytes(b"rotten")
        run.download("mnist", self.folder)
        self.assertEqual((self.folder / "mnist/a.gz").read_bytes(), b"right")

    def test_a_wrong_checksum_leaves_nothing(self):
        self.plain(b"right")
        self.serve("a.gz", b"wrong")
        expected, came = (hashlib.sha256(body).hexdigest() for body in (b"right", b"wrong"))
        self.refused("mnist", "expected sha256 " + expected, came, "5 bytes")
        self.assertEqual(self.files(), [])

    def test_a_wrong_checksum_keeps_what_was_there(self):
        self.plain(b"right")
        self.serve("a.gz", b"wrong")
        (self.folder / "mnist").mkdir()
        (self.folder / "mnist/a.gz").write_bytes(b"older")
        self.refused("mnist", "expected sha256")
        self.assertEqual((self.folder / "mnist/a.gz").read_bytes(), b"older")

    def test_a_connection_that_ends_early_leaves_nothing(self):
        self.plain(b"right" * 200)
        self.serve("a.gz", b"right" * 100, length=1000)
        self.refused("mnist", "expected", "500")
        self.assertEqual(self.files(), [])

    def test_a_missing_file_leaves_nothing(self):
        self.plain(b"right")
        self.refused("mnist", "a.gz", "404")
        self.assertEqual(self.files(), [])

    def test_no_server_leaves_nothing(self):
        self.plain(b"right")
        with mock.patch.dict(os.environ, {"SHARP_MINIMA_MIRROR": "http://127.0.0.1:9"}):
            self.refused("mnist", "a.gz", "expected sha256")
        self.assertEqual(self.files(), [])

    def test_an_interrupt_leaves_nothing(self):
        self.plain(b"right")
        self.serve("a.gz", b"right")
        for where, what in ((run, "say"), (run.os, "replace")):
            with mock.patch.object(where, what, side_effect=KeyboardInterrupt) as interrupted:
                with self.assertRaises(KeyboardInterrupt):
                    run.download("mnist", self.folder)
            interrupted.assert_called_once()
            self.assertEqual(self.files(), [])

    def test_an_archive_gives_its_members_and_nothing_else(self):
        outside = {"inner/readme.html": b"hello", "../escaped.bin": b"1", "/x/inner/train.bin": b"2", "train.bin": b"3"}
        inside = {"inner/train.bin": b"123", "inner/test.bin": b"45", "inner/./train.bin": b"again"}
        self.packed({**outside, **inside}, {"train.bin": 3, "test.bin": 2})
        run.download("cifar10", self.folder)
        there = ["cifar10/inner/SHA256SUMS", "cifar10/inner/test.bin", "cifar10/inner/train.bin"]
        self.assertEqual(self.files(), there)
        self.assertEqual((self.folder / "cifar10/inner/train.bin").read_bytes(), b"123")
        run.download("cifar10", self.folder)
        self.assertEqual(self.asked, ["/c.tgz"])

    def test_members_beside_the_folder_count_too(self):
        self.packed({}, {"train.bin": 3})
        (self.folder / "cifar10").mkdir()
        (self.folder / "cifar10/train.bin").write_bytes(b"123")
        self.assertIn("not checked", self.said("cifar10"))
        self.assertEqual((self.asked, self.files()), ([], ["cifar10/train.bin"]))

    def test_an_archive_without_a_member_says_so(self):
        self.packed({"inner/test.bin": b"45"}, {"train.bin": 3, "test.bin": 2})
        self.refused("cifar10", "c.tgz", "train.bin")
        self.assertEqual(self.files(), ["cifar10/inner/test.bin"])

    def test_a_member_of_the_wrong_size_is_refused(self):
        self.packed({"inner/train.bin": b"12"}, {"train.bin": 3})
        self.refused("cifar10", "expected 3 bytes", "2")
        self.assertEqual(self.files(), [])

    def test_a_link_is_never_a_member(self):
        self.packed({"inner/train.bin": None}, {"train.bin": 0})
        self.refused("cifar10", "train.bin")
        self.assertEqual(self.files(), [])

    def test_sums_are_written_as_sha256sum_does_and_checked(self):
        self.packed({"inner/train.bin": b"123", "inner/test.bin": b"45"}, {"train.bin": 3, "test.bin": 2})
        self.assertNotIn("not checked", self.said("cifar10"))
        members = (("test.bin", b"45"), ("train.bin", b"123"))
        sums = "".join(f"{hashlib.sha256(body).hexdigest()}  {name}\n" for name, body in members)
        self.assertEqual((self.folder / "cifar10/inner/SHA256SUMS").read_text(), sums)
        self.assertNotIn("not checked", self.said("cifar10"))
        self.assertEqual(self.asked, ["/c.tgz"])

    def test_members_with_another_content_are_fetched_again(self):
        self.packed({"inner/train.bin": b"123"}, {"train.bin": 3})
        run.download("cifar10", self.folder)
        (self.folder / "cifar10/inner/train.bin").write_bytes(b"124")
        self.assertIn("SHA256SUMS", self.said("cifar10"))
        self.assertEqual((self.folder / "cifar10/inner/train.bin").read_bytes(), b"123")
        self.assertEqual(self.asked, ["/c.tgz"] * 2)
        # The library looks beside the folder first, so there it is where they have to be right.
        (self.folder / "cifar10/SHA256SUMS").write_bytes((self.folder / "cifar10/inner/SHA256SUMS").read_bytes())
        (self.folder / "cifar10/train.bin").write_bytes(b"125")
        run.download("cifar10", self.folder)
        self.assertEqual((self.folder / "cifar10/train.bin").read_bytes(), b"123")
        self.assertEqual(self.asked, ["/c.tgz"] * 3)

    def test_sums_of_another_form_count_as_not_there(self):
        self.packed({}, {"train.bin": 3})
        run.write(self.folder / "cifar10/train.bin", "123")
        whole = f"{hashlib.sha256(b'123').hexdigest()}  train.bin\n".encode()
        for text in (b"", whole[:50], b"\xff\xfe", whole.replace(b"train", b"other")):
            (self.folder / "cifar10/SHA256SUMS").write_bytes(text)
            self.assertIn("not checked", self.said("cifar10"))
        (self.folder / "cifar10/SHA256SUMS").write_bytes(whole.replace(b"  ", b" *"))
        self.assertNotIn("not checked", self.said("cifar10"))
        self.assertEqual(self.asked, [])

    def test_what_a_dead_run_left_goes_though_nothing_is_fetched(self):
        self.packed({}, {"train.bin": 3})
        for name in ("train.bin", ".c.tgz.7-abc.part"):
            run.write(self.folder / "cifar10" / name, "123")
            os.utime(self.folder / "cifar10" / name, (0, 0))
        run.download("cifar10", self.folder)
        self.assertEqual((self.asked, self.files()), ([], ["cifar10/train.bin"]))

    def test_an_archive_put_there_by_hand_stays(self):
        self.packed({"inner/train.bin": b"123"}, {"train.bin": 3})
        run.write(self.folder / "cifar10/c.tgz", "by hand")
        run.download("cifar10", self.folder)
        self.assertEqual((self.folder / "cifar10/c.tgz").read_text(), "by hand")

    def test_the_sizes_are_those_of_the_published_files(self):
        sizes = [file.size for name in ("mnist", "cifar10", "cifar100") for file in run.SOURCES[name].files.values()]
        self.assertEqual(sizes, [9_912_422, 28_881, 1_648_877, 4_542, 170_052_171, 168_513_733])

    def test_a_second_run_waits_for_the_first_and_fetches_nothing(self):
        self.plain(b"right")
        inside, go_on = threading.Event(), threading.Event()

        def late(handler):
            inside.set()
            go_on.wait(10)
            handler.begin(5)
            handler.wfile.write(b"right")

        self.served_by(late)
        first, second = (threading.Thread(target=run.download, args=("mnist", self.folder)) for _ in range(2))
        first.start()
        inside.wait(10)
        second.start()
        second.join(0.1)
        self.assertEqual((self.asked, second.is_alive()), (["/a.gz"], True))
        go_on.set()
        first.join(10)
        second.join(10)
        self.assertEqual((self.asked, self.files()), (["/a.gz"], ["mnist/a.gz"]))

    def test_what_is_checked_is_what_lies_on_the_disk(self):
        self.plain(b"right")

        def meddling(handler):
            for part in (self.folder / "mnist").glob(".*"):
                with part.open("r+b") as file:
                    file.seek(10)
                    file.write(b"of another")
            handler.begin(5)
            handler.wfile.write(b"right")

        self.served_by(meddling)
        self.refused("mnist", "expected sha256 " + hashlib.sha256(b"right").hexdigest())
        self.assertEqual(self.files(), [])

    def test_an_endless_reply_stops_at_once(self):
        self.plain(b"right")
        sent = []

        def endless(handler):
            handler.begin()
            while len(sent) < 5000:
                handler.wfile.write(b"right" * 1000)
                sent.append(1)

        self.served_by(endless)
        self.assertRegex(self.refused("mnist", "a.gz"), r"of 5 bytes, but already \d+ came")
        self.assertLess(len(sent), 5000)
        self.assertEqual(self.files(), [])

    def test_another_length_than_the_published_one_is_refused(self):
        self.plain(b"right")
        for length in (4, 6, 10**12, -1, "abc", "5 5", ""):
            self.serve("a.gz", b"right", length)
            self.refused("mnist", "a.gz", "of 5 bytes", f"promises {str(length)!r}")
        self.assertEqual(self.files(), [])

    def test_a_reply_of_no_stated_length_is_taken_if_it_is_right(self):
        self.plain(b"right")

        def silent_on_length(handler):
            handler.begin()
            handler.wfile.write(b"right")

        self.served_by(silent_on_length)
        run.download("mnist", self.folder)
        self.assertEqual(self.files(), ["mnist/a.gz"])

    def test_a_server_that_falls_silent_is_left(self):
        self.plain(b"right" * 1000)
        over = threading.Event()
        self.addCleanup(over.set)

        def dripping(handler):
            handler.begin(5000)
            for _ in range(400):
                handler.wfile.write(b"r")
                time.sleep(0.01)

        def silent(handler):
            handler.begin(5000)
            handler.wfile.write(b"r" * 7)
            over.wait(10)

        for answer in (dripping, silent):
            self.served_by(answer)
            with mock.patch.multiple(run, PATIENCE=0.51, LEAST=1000):
                said = self.refused("mnist", "a.gz", "running it again starts afresh")
            self.assertRegex(said, r"of 5000 bytes, but only \d+ came within \d s;")
            self.assertEqual(self.files(), [])

    def test_a_slow_server_is_waited_for(self):
        self.plain(b"right" * 1000)

        def slow(handler):
            handler.begin(5000)
            for _ in range(5):
                handler.wfile.write(b"right" * 200)
                time.sleep(0.01)

        clock = mock.Mock(time=time.time, monotonic=itertools.count(0, 61).__next__)
        for least, is_enough in ((5001, False), (1, True)):
            self.served_by(slow)
            with mock.patch.object(run, "time", clock), mock.patch.object(run, "LEAST", least):
                if is_enough:
                    run.download("mnist", self.folder)
                else:
                    self.refused("mnist", "1 min 01 s")
        self.assertEqual(self.files(), ["mnist/a.gz"])

    def test_a_mirror_that_is_no_address_is_named(self):
        self.plain(b"right")
        wrongs = ["not an address", "http://[::1", "", "http://", "http:///a", "http://a:b/", "ftp://a/b", "/a", "http://a b/"]
        for mirror in wrongs:
            with mock.patch.dict(os.environ, {"SHARP_MINIMA_MIRROR": mirror}):
                self.refused("mnist", f"SHARP_MINIMA_MIRROR is {mirror!r}", "http://", "https://")
        self.assertEqual(self.files(), [])

    def test_whatever_a_server_says_ends_in_a_sentence(self):
        self.plain(b"right")
        wrongs = [
            b"nonsense\r\n\r\n",
            b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n",
            b"HTTP/1.1 302 Found\r\nLocation: http://a..b/\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nri",
            b"",
        ]
        for wrong in wrongs:
            self.served_by(lambda handler, wrong=wrong: handler.wfile.write(wrong))
            self.assertNotIn("\n", self.refused("mnist", "a.gz", "of 5 bytes"))
        with mock.patch.dict(os.environ, {"SHARP_MINIMA_MIRROR": self.home + "/\u00fc\udcff"}):
            self.refused("mnist", "a.gz", "of 5 bytes")
        self.assertEqual(self.files(), [])

    def test_what_the_disk_refuses_is_not_laid_on_the_network(self):
        self.plain(b"right")
        self.serve("a.gz", b"right")
        refused = OSError(errno.EROFS, os.strerror(errno.EROFS), "a.gz")
        with mock.patch.object(run.os, "replace", side_effect=refused):
            said = self.refused("mnist", "mnist cannot be read or written", os.strerror(errno.EROFS))
        self.assertNotIn("came", said)
        (self.folder / "mnist").rmdir()
        (self.folder / "mnist").write_text("a file in its place")
        self.refused("mnist", "mnist cannot be read or written")
        self.assertEqual(self.asked, ["/a.gz"])


class Strictness(unittest.TestCase):
    """A cell passes only when nothing at all went wrong."""

    def complaint(self, *outputs):
        return run.complaint(list(outputs), ["/nowhere/reader", "/elsewhere/place"])

    def test_what_passes(self):
        self.assertIsNone(self.complaint())
        self.assertIsNone(self.complaint(stream("stdout", "epoch 1 of 2, loss 0.3\n"), value(**{"text/plain": "no panic"})))
        self.assertIsNone(self.complaint(value(**{"image/png": "/nowhere/reader/", "text/plain": "a picture"})))

    def test_any_text_on_stderr_fails(self):
        self.assertIn("invalid digit", self.complaint(stream("stderr", "invalid digit found in string\n")))
        self.assertIn("stderr", self.complaint(stream("stdout", "fine\n"), stream("stderr", "\n")))

    def test_an_error_fails_and_is_shown_without_colors(self):
        error = {"output_type": "error", "ename": "", "evalue": "mismatched types", "traceback": ["\x1b[31mmismatched\x1b[0m types"]}
        self.assertEqual(self.complaint(error).strip(), "mismatched types")
        self.assertTrue(self.complaint({"output_type": "error", "ename": "", "evalue": "", "traceback": []}))

    def test_an_error_is_shown_with_what_stderr_says_but_no_backtrace(self):
        panic = "thread '<unnamed>' (7) panicked at src/lib.rs:1:2:\nindex out of bounds\nstack backtrace:\n   0: begin\n"
        shown = self.complaint(stream("stderr", panic), run.failure("Subprocess terminated"))
        self.assertIn("Subprocess terminated", shown)
        self.assertIn("index out of bounds", shown)
        self.assertNotIn("begin", shown)

    def test_a_panic_shown_anywhere_fails(self):
        for text in ("thread 'main' panicked at src/lib.rs:1:2:", "thread '<unnamed>' (123) panicked at x", "thread 'main' has overflowed its stack"):
            self.assertIn("panic", self.complaint(stream("stdout", text)))
            self.assertIn("panic", self.complaint(value(**{"text/plain": "…", "text/html": f"<pre>{text}</pre>"})))

    def test_a_path_of_this_machine_fails(self):
        for text in ("/nowhere/reader", "in file:///nowhere/reader/x", '"/elsewhere/place/data"'):
            self.assertIn("path", self.complaint(value(**{"text/plain": text})))
            self.assertIn("path", self.complaint(stream("stdout", text)))
        for text in ("/nowhere/readers", "/mnt/nowhere/reader", "data/elsewhere/place"):
            self.assertIsNone(self.complaint(value(**{"text/plain": text})))


class Messages(unittest.TestCase):
    def test_lines_of_progress_do_not_stay(self):
        lines = " 37 % · probes 0 to 2, step 15 · 2.1 s so far, about 3.5 s to go\n"
        other = "small, trial 1: a kept trial is of another recipe; done again\n"
        outputs = [stream("stdout", lines + other + lines), value(**{"text/plain": lines})]
        self.assertEqual(run.without_progress(outputs), [stream("stdout", other), value(**{"text/plain": lines})])
        self.assertEqual(run.without_progress([stream("stdout", lines)]), [])
        self.assertEqual(run.without_progress([stream("stderr", lines)]), [stream("stderr", lines)])

    def test_streams_join_and_come_first(self):
        outputs = []
        for kind, content in [
            ("execute_result", {"data": {"text/plain": "3"}, "metadata": {}}),
            ("stream", {"name": "stdout", "text": "a\n"}),
            ("status", {"execution_state": "busy"}),
            ("stream", {"name": "stderr", "text": "!"}),
            ("stream", {"name": "stdout", "text": "b\n"}),
        ]:
            run.collect(outputs, kind, content)
        self.assertEqual([output["output_type"] for output in outputs], ["stream", "stream", "execute_result"])
        self.assertEqual(outputs[0], stream("stdout", "a\nb\n"))


class Formulas(unittest.TestCase):
    def test_formulas_are_taken_out_and_code_stays(self):
        formulas = []
        text = "of $x_s$ and\n\n$$\\max_y\n f(y)$$\n\nin `$HOME` and\n```\n$a$ $$b$$\n```\n5 $ and no more, $\\epsilon$"
        marked = run.without_formulas(text, formulas)
        self.assertEqual(formulas, ["$x_s$", "$$\\max_y\n f(y)$$", "$ and no more, $"])
        self.assertIn("`$HOME`", marked)
        self.assertIn("```\n$a$ $$b$$\n```", marked)
        self.assertTrue(marked.startswith("of \ue0000\ue001 and\n\n\ue0001\ue001\n"))

    def test_every_formula_of_the_notebooks_is_closed(self):
        for path in sorted(run.NOTEBOOKS.glob("*.ipynb")):
            for cell in json.loads(run.read(path))["cells"]:
                if cell["cell_type"] == "markdown":
                    rest = run.without_formulas("".join(cell["source"]), [])
                    rest = re.sub(r"`[^`]*`", "", rest)
                    self.assertNotIn("$", rest, f"{path.name}: {cell['id']}")


class Names(InFolder):
    def setUp(self):
        super().setUp()
        for name in ("01_generalization_gap", "00_tour", "02_lines"):
            (self.folder / f"{name}.ipynb").write_text("{}")

    def stems(self, *names):
        return [path.stem for path in run.resolve(list(names), self.folder)]

    def test_numbers_names_and_paths(self):
        self.assertEqual(self.stems("01"), ["01_generalization_gap"])
        self.assertEqual(self.stems("01_generalization_gap"), ["01_generalization_gap"])
        self.assertEqual(self.stems("notebooks/01_generalization_gap.ipynb"), ["01_generalization_gap"])
        self.assertEqual(self.stems("02", "00", "02_lines"), ["02_lines", "00_tour"])

    def test_no_name_means_all_in_reading_order(self):
        self.assertEqual(self.stems(), ["00_tour", "01_generalization_gap", "02_lines"])

    def test_an_unknown_name_lists_those_there(self):
        for name in ("03", "0", "gap", ""):
            with self.assertRaises(LookupError) as caught:
                self.stems("00", name)
            self.assertIn("00_tour, 01_generalization_gap, 02_lines", str(caught.exception))

    def test_wrong_arguments_exit_with_2(self):
        for argv in (["no-such-notebook"], ["--full", "--save"], ["--download", "imagenet"], ["--speed", "fast"], ["--speed", "plain", "00"]):
            with self.assertRaises(SystemExit) as caught, contextlib.redirect_stderr(io.StringIO()):
                run.main(argv)
            self.assertEqual(caught.exception.code, 2)


class Notebooks(InFolder):
    """One notebook has one text, and it is written whole."""

    EXECUTED = notebook(
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# Größe\n$x$"},
        {**code("let x = 1;\nx", [stream("stdout", "a\nb\n"), value(**{"text/plain": "1\n2", "image/svg+xml": "<svg/>"})]),
         "metadata": {"execution": {"iopub.execute_input": "2026-01-01T00:00:00Z"}, "tags": ["slow"]}},
    )  # fmt: skip

    def test_its_form(self):
        text = run.normal(self.EXECUTED)
        again = json.loads(text)
        self.assertTrue(text.endswith("}\n") and not text.endswith("\n\n"))
        self.assertTrue(text.startswith('{\n "cells": [\n  {\n   "cell_type": "markdown",\n   "id": "title",'))
        self.assertIn("Größe", text)
        self.assertEqual(again["cells"][1]["source"], ["let x = 1;\n", "x"])
        self.assertEqual(again["cells"][1]["outputs"][0]["text"], ["a\n", "b\n"])
        self.assertEqual(again["cells"][1]["outputs"][1]["data"]["text/plain"], ["1\n", "2"])
        self.assertEqual(again["cells"][1]["metadata"], {"tags": ["slow"]})
        self.assertEqual(again["metadata"]["kernelspec"], {"display_name": "Rust", "language": "rust", "name": "rust"})
        self.assertEqual(again["metadata"]["language_info"]["name"], "rust")

    def test_it_is_stable(self):
        text = run.normal(self.EXECUTED)
        self.assertEqual(run.normal(json.loads(text)), text)

    def test_cells_without_an_id_get_the_same_one_each_time(self):
        cell = {"cell_type": "markdown", "metadata": {}, "source": []}
        ids = [json.loads(run.normal(notebook(cell, cell)))["cells"] for _ in range(2)]
        self.assertEqual([c["id"] for c in ids[0]], ["cell-1", "cell-2"])
        self.assertEqual(ids[0], ids[1])

    def test_without_outputs_only_what_was_written_counts(self):
        other = json.loads(run.normal(self.EXECUTED))
        other["cells"][1]["outputs"], other["cells"][1]["execution_count"] = [], None
        self.assertEqual(run.normal(self.EXECUTED, outputs=False), run.normal(other, outputs=False))
        other["cells"][1]["source"] = ["let x = 2;\n", "x"]
        self.assertNotEqual(run.normal(self.EXECUTED, outputs=False), run.normal(other, outputs=False))

    def test_writing_replaces_at_once_or_not_at_all(self):
        path = self.folder / "deep" / "a.ipynb"
        run.write(path, "old")
        with mock.patch.object(Path, "write_text", side_effect=OSError("disk full")), self.assertRaises(OSError):
            run.write(path, "new")
        with mock.patch.object(run.os, "replace", side_effect=KeyboardInterrupt), self.assertRaises(KeyboardInterrupt):
            run.write(path, "new")
        self.assertEqual((path.read_text(), self.files()), ("old", ["deep/a.ipynb"]))

    def test_two_that_write_the_same_file_have_parts_of_their_own(self):
        path = self.folder / "a"
        with run.replacing(path) as one:
            with run.replacing(path) as other:
                one.write_text("one")
                other.write_text("other")
            self.assertEqual((path.read_text(), one.read_text()), ("other", "one"))
        self.assertEqual((path.read_text(), self.files()), ("one", ["a"]))

    def test_a_part_that_is_there_is_never_written_to(self):
        with mock.patch.object(run.os, "urandom", lambda _: b"same"):
            with run.replacing(self.folder / "a") as part:
                part.write_text("whole")
                with self.assertRaises(FileExistsError), run.replacing(self.folder / "a"):
                    self.fail("there is no second part")
        self.assertEqual((self.folder / "a").read_text(), "whole")

    def test_parts_of_dead_runs_are_swept_when_they_are_old(self):
        then = time.time() - 2 * run.STALE
        for name in (".a[1].7-abc.part", ".a[1].part", ".a[1].8-abc.part", ".a1.7-abc.part", "a.part"):
            (self.folder / name).write_text("")
            if "8-abc" not in name:
                os.utime(self.folder / name, (then, then))
        run.write(self.folder / "a[1]", "new")
        self.assertEqual(self.files(), [".a1.7-abc.part", ".a[1].8-abc.part", "a.part", "a[1]"])


class Reports(InFolder):
    """A report is made again when what it was made from changed, and only then."""

    def setUp(self):
        super().setUp()
        names = {"ROOT": "", "NOTEBOOKS": "notebooks", "REPORTS": "notebooks/reports", "HOUSE": ".notebooks"}
        for patch in [
            *(mock.patch.object(run, name, self.folder / place) for name, place in names.items()),
            mock.patch.object(run, "rust", lambda: "rustc 1.95.0"),
            mock.patch.object(run, "page", lambda text, title: f"<html>{title}"),
            mock.patch.object(run, "execute", self.execute),
            mock.patch.dict(os.environ),
        ]:
            patch.start()
            self.addCleanup(patch.stop)
        os.environ.pop("SHARP_MINIMA_DATA", None)
        self.executed, self.fails = [], None
        self.path = self.folder / "notebooks" / "00_tour.ipynb"
        run.write(self.path, run.normal(notebook(code("1 + 1")), outputs=False))
        run.write(self.folder / "src" / "lib.rs", "// nothing")
        run.write(self.folder / "data" / "runs" / "a.json", "{}")

    def execute(self, name, book, kernel):
        self.executed.append((name, kernel.scale))
        if self.fails is None:
            book["cells"][0].update(execution_count=1, outputs=[value(**{"text/plain": "2"})])
        return self.fails

    def make(self, scale="quick", again=False, save=False):
        with contextlib.redirect_stderr(io.StringIO()):
            return run.make_report(self.path, run.Kernel(scale), again, save)

    def test_a_report_and_the_executed_notebook_are_written(self):
        before = self.path.read_text()
        self.assertTrue(self.make())
        self.assertEqual((self.folder / "notebooks/reports/00_tour.html").read_text(), "<html>00_tour")
        self.assertIn('"2"', (self.folder / "notebooks/reports/00_tour.ipynb").read_text())
        self.assertEqual(self.path.read_text(), before)

    def test_nothing_changed_nothing_is_done(self):
        self.make()
        self.make()
        self.assertEqual(len(self.executed), 1)
        self.make(again=True)
        self.assertEqual(len(self.executed), 2)

    def test_whatever_changed_is_done_again(self):
        changes = [
            lambda: run.write(self.path, run.normal(notebook(code("1 + 2")), outputs=False)),
            lambda: run.write(self.folder / "src" / "lib.rs", "// more"),
            lambda: run.write(self.folder / "Cargo.lock", "# other versions"),
            lambda: run.write(self.folder / "data" / "runs" / "a.json", "[]"),
            lambda: run.write(self.folder / "data" / "mnist" / "a.gz", "…"),
            lambda: os.environ.update(SHARP_MINIMA_DATA=str(self.folder / "src")),
            lambda: (self.folder / "notebooks/reports/00_tour.html").unlink(),
        ]
        for number, change in enumerate(changes, 2):
            self.make()
            change()
            self.make()
            self.assertEqual(len(self.executed), number)

    def test_full_scale_has_reports_of_its_own(self):
        self.make()
        self.make("full")
        self.assertEqual(self.executed, [("00_tour", "quick"), ("00_tour_full", "full")])
        self.assertTrue((self.folder / "notebooks/reports/00_tour_full.html").exists())
        self.make()
        self.assertEqual(len(self.executed), 2)

    def test_saving_keeps_outputs_and_needs_no_second_run(self):
        self.make()
        self.make(save=True)
        self.make()
        self.assertEqual(len(self.executed), 1)
        self.assertIn('"2"', self.path.read_text())
        self.assertEqual(self.path.read_text(), (self.folder / "notebooks/reports/00_tour.ipynb").read_text())

    def test_a_failure_writes_and_saves_nothing(self):
        before, self.fails = self.files(), "cell 1 failed"
        self.assertFalse(self.make(save=True))
        self.assertEqual(self.files(), before)
        self.fails = None
        self.assertTrue(self.make())

    def ended(self):
        """How the command ends for this notebook, and what it says then."""
        patches = {"enter": mock.Mock(), "fill_cache": mock.Mock(), "resolve": lambda _: [self.path]}
        with mock.patch.multiple(run, **patches), contextlib.redirect_stderr(io.StringIO()) as said:
            return run.main([]), said.getvalue()

    def refused(self, text, why="notebooks/00_tour.ipynb is not a whole notebook: "):
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        status, said = self.ended()
        self.assertEqual((status, said.count("\n")), (1, 1), said)
        self.assertIn(why, said)
        self.assertEqual(self.executed, [])

    def test_what_is_no_whole_notebook_is_said_to_be_none(self):
        whole = self.path.read_text()
        conflict = "<<<<<<< HEAD\n" + whole + "=======\n" + whole + ">>>>>>> theirs\n"
        for text in ("", '{"cells": [', "[]", '{"cells": 1}', "7", whole[:-9]):
            self.refused(text)
        for text in ("\0" * 100, whole + "\0", conflict, b"\xff\xfe{}"):
            self.refused(text)

    def test_a_notebook_whose_cells_are_none_is_not_whole(self):
        cell = code("1 + 1")
        wrongs = [1, None, [], {}]
        wrongs += [{key: cell[key] for key in cell if key != gone} for gone in ("source", "metadata", "cell_type")]
        wrongs += [{**cell, "source": source} for source in (None, 7, {}, [1], ["1", None])]
        wrongs += [{**cell, "metadata": []}, {**cell, "cell_type": "cod"}, {**cell, "cell_type": []}, {**cell, "id": 7}]
        for wrong in wrongs:
            self.refused(json.dumps(notebook(cell, wrong)))
            self.assertIn("cell 2", self.ended()[1])
        for wrong in ({"cells": [1]}, {"cells": [{}]}, {"cells": [cell]}, {**notebook(cell), "metadata": 1}):
            self.refused(json.dumps(wrong))

    def test_a_notebook_that_nothing_can_be_made_of_is_not_whole(self):
        for nested in ("[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000):
            self.refused(nested)
            self.refused(json.dumps(notebook(code("1"))).replace('"metadata": {}', f'"metadata": {{"a": {nested}}}'))
        self.refused(json.dumps(notebook(code("\ud800"))))
        nested = '{"a":' * 2000 + "1" + "}" * 2000  # which some versions of Python can read, and some write too
        self.path.write_text(json.dumps(notebook(code("1"))).replace('"metadata": {}', f'"metadata": {nested}', 1))
        self.assertIn(self.ended()[0], (0, 1))

    def test_a_notebook_that_cannot_be_read_is_named(self):
        cannot = "notebooks/00_tour.ipynb cannot be read: "
        with mock.patch.object(Path, "read_text", side_effect=PermissionError(13, "Permission denied")):
            self.refused("{}", cannot + "Permission denied")
        self.path.unlink()  # since the names were resolved
        self.assertIn(cannot, self.ended()[1])
        self.path.symlink_to(self.folder / "nowhere")
        self.assertIn(cannot, self.ended()[1])
        self.path.unlink()
        self.path.mkdir()
        self.assertIn(cannot, self.ended()[1])

    def test_what_was_kept_counts_only_where_it_is_whole(self):
        self.make()
        mark = self.folder / ".notebooks" / "made" / "00_tour"
        report = self.folder / "notebooks/reports/00_tour.ipynb"
        torn = [(mark, text) for text in (mark.read_bytes()[:20], b"\xff\xfe", b"", b"\0" * 64)]
        torn += [(report, text) for text in (b"", b'{"cells": [')]
        for number, (path, text) in enumerate(torn, 2):
            path.write_bytes(text)
            self.assertTrue(self.make(save=True))
            self.assertEqual(len(self.executed), number)
        self.assertEqual(self.path.read_text(), report.read_text())
        self.assertIn('"2"', self.path.read_text())

    def test_files_that_come_and_go_or_have_strange_names_are_no_hindrance(self):
        data, read_bytes = self.folder / "data", Path.read_bytes
        with contextlib.suppress(OSError):  # some systems have no such names
            (data / os.fsdecode(b"\xff.bin")).write_bytes(b"1")
        (data / "nowhere").symlink_to(data / "nothing")
        (data / "round").symlink_to(data / "round")
        (data / "gone").write_text("1")

        def read_or_gone(path):
            if path.name == "gone":
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
            return read_bytes(path)

        with mock.patch.object(Path, "read_bytes", read_or_gone):
            self.assertTrue(self.make())

    def test_data_that_cannot_be_read_are_named(self):
        read_bytes = Path.read_bytes

        def read_or_refused(path):
            if path.name == "a.json":
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return read_bytes(path)

        with mock.patch.object(Path, "read_bytes", read_or_refused):
            self.assertEqual(self.ended(), (1, "run.py: data/runs/a.json cannot be read: Permission denied\n"))

    def test_a_second_run_waits_for_the_first(self):
        inside, go_on, done = threading.Event(), threading.Event(), []
        execute = self.execute

        def slow(*of):
            inside.set()
            go_on.wait(10)
            return execute(*of)

        with mock.patch.object(run, "execute", slow):
            first = threading.Thread(target=lambda: done.append(self.make()))
            first.start()
            inside.wait(10)
            second = threading.Thread(target=lambda: done.append(self.make()))
            second.start()
            second.join(0.1)
            self.assertEqual((done, second.is_alive()), ([], True))
            go_on.set()
            first.join(10)
            second.join(10)
        # The second finds the report of the first.
        self.assertEqual((done, len(self.executed)), ([True, True], 1))

    def test_a_failure_after_a_success_is_not_up_to_date(self):
        self.make()
        self.fails = "cell 1 failed"
        self.assertFalse(self.make(again=True))
        self.assertFalse(self.make())


class Speeds(unittest.TestCase):
    """What is said of a kernel's speed comes from pairs of seconds, and no failure is taken for one."""

    def test_the_ratio_is_the_median_of_the_pairs(self):
        speed = run.Speed("a call", [1.0, 4.0, 3.0], [1.0, 2.0, 2.0])
        self.assertEqual(speed.ratios(), [1.0, 2.0, 1.5])
        self.assertEqual(speed.ratio(), 1.5)
        self.assertEqual(str(speed), "a call: kernel 3.000 s, release 2.000 s, kernel / release 1.500 (1.000–2.000)")

    def test_seconds_are_what_the_cell_printed(self):
        self.assertEqual(run.kernel_seconds([stream("stdout", "kernel 1.250 s\n")]), 1.25)

    def test_any_failure_of_the_cell_stops(self):
        good = stream("stdout", "kernel 1.250 s\n")
        for outputs, word in [
            ([good, run.failure("the kernel died")], "died"),
            ([good, stream("stderr", "batch must be at least 1\n")], "at least 1"),
            ([stream("stdout", "kernel NaN s\n")], "NaN"),
            ([stream("stdout", "kernel 1.250 s\nkernel 1.250 s\n")], "printed"),
            ([], "printed ''"),
        ]:
            with self.assertRaises(run.Stop) as caught:
                run.kernel_seconds(outputs)
            self.assertIn(word, str(caught.exception))

    def test_the_cell_times_the_training_alone(self):
        cell = run.measured(trials=2, threads=3)
        self.assertIn(".trials(2)", cell)
        self.assertIn(".threads(3)", cell)
        after = cell[cell.index("Instant::now();") :].splitlines()
        self.assertEqual(after[1].strip(), "training.run(&net, &data)?;")
        self.assertEqual(after[2].strip(), 'println!("kernel {:.3} s", start.elapsed().as_secs_f64());')

    def test_the_release_build_is_where_cargo_says(self):
        def artifact(name, executable):
            return json.dumps({"reason": "compiler-artifact", "target": {"name": name}, "executable": executable})

        other = [json.dumps({"reason": "build-finished", "success": True}), artifact("steps", "/a/steps")]
        messages = "\n".join([*other, artifact("work", None), artifact("work", "/a/work")])
        self.assertEqual(run.executable(messages), "/a/work")
        for messages in ("", "\n".join(other)):
            with self.assertRaises(run.Stop):
                run.executable(messages)

    def test_the_release_build_answers_or_says_how_it_ended(self):
        def build(program):
            return mock.patch.object(run, "executable", lambda _: program), mock.patch.object(run, "answer", lambda *_: "")

        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            program = Path(folder) / "work"
            program.write_text("#!/bin/sh\nread line; echo \"$line $*\"; read line; exit 3\n")
            program.chmod(0o755)
            with contextlib.ExitStack() as stack:
                for patch in build(str(program)):
                    stack.enter_context(patch)
                ask = stack.enter_context(run.release_build(5))
                self.assertEqual(ask("version"), "version --threads 5")
                with self.assertRaises(run.Stop) as caught:
                    ask("run 1")
        self.assertIn("'run 1'", str(caught.exception))
        self.assertIn("status 3", str(caught.exception))

    def measure(self, kernel, release):
        """What measure_speed prints where a training in the kernel takes so long, and in a release build so long."""
        asked = []

        def ask(line):
            asked.append(line)
            return str(release) if line == "run 1" else "ready"

        @contextlib.contextmanager
        def entered(*_, **__):
            yield ask

        said = io.StringIO()
        with contextlib.ExitStack() as stack:
            for name, what in [
                ("release_build", entered),
                ("session", entered),
                ("compile_library", lambda *_: None),
                ("run_cell", lambda *_: [stream("stdout", f"kernel {kernel:.3f} s\n")]),
                ("PAUSE", 0),
            ]:
                stack.enter_context(mock.patch.object(run, name, what))
            stack.enter_context(contextlib.redirect_stdout(said))
            run.measure_speed("ours")
        self.assertEqual(asked.count("run 1"), len(run.CALLS) * (1 + run.REPETITIONS))
        return said.getvalue()

    def test_a_kept_promise_passes_and_a_broken_one_fails(self):
        self.assertIn("one trial on all threads: kernel 1.040 s, release 1.000 s", self.measure(1.04, 1.0))
        with self.assertRaises(run.Stop) as caught:
            self.measure(1.06, 1.0)
        self.assertIn("one trial on all threads: 1.060", str(caught.exception))

    def test_at_least_seven_measurements_are_made(self):
        self.assertGreaterEqual(run.REPETITIONS, 7)


class Places(InFolder):
    """What is made goes where a kernel can work, or a sentence says what to do."""

    def house(self, root, **variables):
        with mock.patch.object(run, "ROOT", Path(root)), mock.patch.dict(os.environ, variables):
            return run.house()

    def test_a_path_that_a_kernel_cannot_work_in_is_left_for_the_cache(self):
        home = {"XDG_CACHE_HOME": "/cache", run.GIVEN: ""}
        for root in ("/a/b", "/ü/日本/a-b", "/a'b\"c/$d"):
            self.assertEqual(self.house(root, **home), Path(root) / ".notebooks")
        elsewhere = [self.house(root, **home) for root in ("/a b ü", "/a:b", "/a\tb", "/a\nb")]
        self.assertEqual(len(set(elsewhere)), 4)
        for place in elsewhere:
            self.assertEqual(place.parent, Path("/cache/sharp-minima"))
            self.assertTrue(run.fits(place))

    def test_the_folder_that_is_named_is_taken(self):
        self.assertEqual(self.house("/a b", **{run.GIVEN: "/made/here"}), Path("/made/here"))

    def test_a_named_folder_is_like_the_checkout(self):
        checkout, desk = self.folder / "a", self.folder / "made" / "checkout" / "notebooks"
        for name in ("Cargo.toml", "src/lib.rs", "notebooks/00_tour.ipynb", "target/x", ".git/x"):
            run.write(checkout / name, name)
        (desk.parent / "src").parent.mkdir(parents=True)
        (desk.parent / "src").symlink_to(self.folder / "elsewhere")  # of a checkout that was moved
        with mock.patch.multiple(run, ROOT=checkout, DESK=desk, NOTEBOOKS=checkout / "notebooks"):
            run.set_up_desk()
            run.set_up_desk()
        self.assertEqual(sorted(path.name for path in desk.parent.iterdir()), ["Cargo.toml", "notebooks", "src"])
        self.assertEqual(((desk.parent / "src/lib.rs").read_text(), list(desk.iterdir())), ("src/lib.rs", []))

    def test_where_no_kernel_can_work_it_is_said(self):
        with mock.patch.object(run, "HOUSE", Path("/my cache/x")), self.assertRaises(run.Stop) as caught:
            run.enter([], False, False)
        self.assertIn("/my cache/x", str(caught.exception))
        self.assertIn(run.GIVEN, str(caught.exception))

    def test_what_a_disk_refuses_is_said_in_a_line(self):
        refused = OSError(28, "No space left on device", "/somewhere")
        said = io.StringIO()
        with mock.patch.object(run, "enter", mock.Mock(side_effect=refused)), contextlib.redirect_stderr(said):
            self.assertEqual(run.main([]), 1)
        self.assertIn("No space left on device", said.getvalue())
        self.assertIn(run.GIVEN, said.getvalue())

    def test_any_text_can_be_said_anywhere(self):
        for encoding, shown in (("ascii", b"  \\u2502 a\\udcff\n"), ("utf-8", "  │ a\\udcff\n".encode())):
            said = io.BytesIO()
            with contextlib.redirect_stdout(io.TextIOWrapper(said, encoding, newline="\n")):
                run.say("  │ a\udcff")
                self.assertEqual(said.getvalue(), shown)

    def test_a_name_that_is_no_text_is_no_notebooks(self):
        command = [sys.executable, "-B", run.NOTEBOOKS / "run.py", b"\xff.ipynb"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"no notebook is called", done.stderr)
        self.assertNotIn(b"Traceback", done.stderr)

    def test_jupyterlab_opens_beside_a_notebook_that_is_not_whole(self):
        run.write(self.folder / "00_tour.ipynb", run.normal(notebook(code("1"))))
        run.write(self.folder / "01_torn.ipynb", "{")
        signed = mock.Mock(return_value=mock.Mock(returncode=0))
        with mock.patch.object(run, "NOTEBOOKS", self.folder), mock.patch.object(run.subprocess, "run", signed):
            with mock.patch.object(run.os, "execv") as opened:
                run.open_lab()
                (self.folder / "00_tour.ipynb").unlink()
                run.open_lab()
        self.assertEqual(signed.call_args[0][0][3:], [str(self.folder / "00_tour.ipynb")])
        # Without a name, what signs would wait for a notebook on stdin.
        self.assertEqual((signed.call_count, opened.call_count), (1, 2))

    def test_a_kernel_that_no_longer_answers_fails_the_cell(self):
        idle = {"parent_header": {"msg_id": "a"}, "msg_type": "status", "content": {"execution_state": "idle"}}
        client = mock.Mock()
        client.execute.return_value = "a"
        client.get_iopub_msg.side_effect = [idle, queue.Empty]
        client.get_shell_msg.side_effect = queue.Empty
        self.assertIn("answer", run.complaint(run.run_cell(client, "1", "running"), []))

    def test_a_kernel_serves_one_notebook_after_another(self):
        opened, closed, ran = [], [], []

        @contextlib.contextmanager
        def session(scale):
            opened.append(scale)
            try:
                yield len(opened)
            finally:
                closed.append(len(opened))

        answers = {3: [run.failure("the kernel died")]}
        ran_cell = lambda client, source, _: (ran.append((client, source)), answers.get(client, []))[1]
        with mock.patch.object(run, "session", session), mock.patch.object(run, "run_cell", ran_cell):
            with run.Kernel("quick") as kernel:
                first = run.DEP + "\nuse sharp_minima::*;"
                self.assertEqual((kernel.clean(first), opened, ran), (1, ["quick"], []))
                # The second is cleared; new is one that does not bring the library, what follows it, and what follows a dead one.
                self.assertEqual((kernel.clean(first), ran), (1, [(1, ":clear")]))
                self.assertEqual((kernel.clean("1 + 1"), closed), (2, [1]))
                self.assertEqual((kernel.clean(first), closed, len(ran)), (3, [1, 2], 1))
                self.assertEqual((kernel.clean(first), closed), (4, [1, 2, 3]))
            self.assertEqual((len(opened), closed), (4, [1, 2, 3, 4]))

    def test_what_a_cell_was_compiled_to_finds_rusts_own_library(self):
        with mock.patch.dict(os.environ, {"LD_LIBRARY_PATH": "/theirs", "DYLD_FALLBACK_LIBRARY_PATH": "/theirs"}):
            ((_, folders),) = run.libraries().items()
        own, theirs = folders.split(os.pathsep)
        self.assertEqual(theirs, "/theirs")
        self.assertTrue(list(Path(own).glob("libstd-*")), own)


class SetUp(InFolder):
    def test_unoptimized_crates_are_those_of_the_manifest(self):
        packages = "big-one = { opt-level = 0 }\nhot = { opt-level = 3 }\n"
        manifest = f'[package]\nname = "a"\n[profile.release.package]\n{packages}[other]\nno = {{ opt-level = 0 }}\n'
        run.write(self.folder / "Cargo.toml", manifest)
        with mock.patch.object(run, "ROOT", self.folder):
            self.assertEqual(run.cargo_config(), "[profile.dev.package.big-one]\nopt-level = 0\n")

    def test_rust_must_be_there_and_new_enough(self):
        for there, version, word in [(None, "", "not installed"), ("x", "rustc 1.85.0 (abc)", "1.95"), ("x", "", "1.95")]:
            run.rust.cache_clear()
            with mock.patch.object(run.shutil, "which", lambda _: there), mock.patch.object(run, "answer", lambda *_: version):
                with self.assertRaises(run.Stop) as caught:
                    run.rust()
            self.assertIn(word, str(caught.exception))
        for version in ("rustc 1.95.0 (abc)", "rustc 1.100.1-nightly", "rustc 2.0.0"):
            run.rust.cache_clear()
            with mock.patch.object(run.shutil, "which", lambda _: "x"), mock.patch.object(run, "answer", lambda *_: version):
                self.assertEqual(run.rust(), version)
        run.rust.cache_clear()

    def test_the_plain_kernel_is_as_evcxr_registers_it(self):
        evcxr = self.folder / "evcxr_jupyter"
        evcxr.write_text('#!/bin/sh\nmkdir -p "$JUPYTER_PATH/kernels/rust"; echo "$1" > "$JUPYTER_PATH/kernels/rust/kernel.json"\n')
        evcxr.chmod(0o755)
        with mock.patch.object(run, "PLAIN", self.folder / "plain"):
            run.set_up_plain_kernel(evcxr)
            self.assertEqual(run.read(self.folder / "plain/kernels/rust/kernel.json"), "--install\n")
            evcxr.write_text("#!/bin/sh\nexit 1\n")
            with self.assertRaises(run.Stop):
                run.set_up_plain_kernel(evcxr)

    def test_an_interrupted_installation_is_taken_up_again(self):
        made, calls = [], []

        def create(folder, **_):
            made.append(folder)
            folder.mkdir(parents=True, exist_ok=True)

        def interrupted(*_):
            raise KeyboardInterrupt

        with mock.patch.object(run, "HOUSE", self.folder), mock.patch.object(run.venv, "create", create):
            with mock.patch.object(run, "call", interrupted), self.assertRaises(KeyboardInterrupt):
                run.set_up_jupyter(lab=False)
            with mock.patch.object(run, "call", lambda *command: calls.append(command)):
                for lab in (False, False, True, True):
                    run.set_up_jupyter(lab)
        self.assertEqual((len(made), len(calls)), (2, 2))

    def environment_refused(self, error, finds_ensurepip):
        """What is said where no virtual environment could be made."""
        patches = {"HOUSE": self.folder, "rust": lambda: "", "set_up_desk": lambda: None}
        there = mock.Mock() if finds_ensurepip else None
        with mock.patch.multiple(run, **patches), mock.patch.object(run.venv, "create", side_effect=error):
            with mock.patch.object(importlib.util, "find_spec", lambda _: there):
                with contextlib.redirect_stderr(io.StringIO()) as said:
                    self.assertEqual(run.main([]), 1)
        return said.getvalue()

    def test_python3_venv_is_named_only_where_it_is_missing(self):
        failed = subprocess.CalledProcessError(1, ["python", "-m", "ensurepip"], b"first\nlast \xff\n")
        self.assertIn("python3-venv", self.environment_refused(failed, finds_ensurepip=False))
        said = self.environment_refused(failed, finds_ensurepip=True)
        self.assertIn("ensurepip", said)
        self.assertIn("first\nlast", said)
        self.assertNotIn("python3-venv", said)

    def test_a_disk_without_room_for_jupyter_is_said_to_be_one(self):
        for number in (errno.ENOSPC, errno.EROFS, errno.EACCES):
            output = f"ERROR: OSError: [Errno {number}] it is\nCalledProcessError: of pip\n".encode()
            in_pip = subprocess.CalledProcessError(1, ["python", "-m", "ensurepip"], output)
            for error in (OSError(number, os.strerror(number), "/somewhere"), in_pip):
                said = self.environment_refused(error, finds_ensurepip=True)
                self.assertIn(os.strerror(number), said)
                self.assertIn(run.GIVEN, said)
                self.assertEqual((said.count("\n"), "python3-venv" in said), (1, False))

    def test_marks_that_are_not_whole_count_as_not_there(self):
        calls = []
        with mock.patch.object(run, "HOUSE", self.folder), mock.patch.object(run.venv, "create", lambda *_, **__: None):
            with mock.patch.object(run, "call", lambda *command: calls.append(command)):
                for text in (b"", b"\xff\xfe", b"[", b"{}"):
                    (self.folder / "venv").mkdir(exist_ok=True)
                    (self.folder / "venv/made").write_bytes(text)
                    run.set_up_jupyter(lab=False)
        self.assertEqual(len(calls), 4)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
