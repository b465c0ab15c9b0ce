#!/usr/bin/env python3
"""Sets up Jupyter for these notebooks, runs them in the real Rust kernel, and writes a report of each.

The first run makes what it needs in `.notebooks`, beside this folder: Jupyter in a virtual environment,
the evcxr kernel where cargo has not installed it, and the compiled dependencies. Nothing else on the
machine is changed, and removing that folder undoes it all. It takes minutes, and a line every half minute
says that it is still at work. Later runs do only what is missing: a notebook starts in seconds, and a
report is made again only if its notebook, the library or the data changed. (The Rust kernel cannot work
in a folder whose path has a space or a colon; there a folder in the user's cache takes the place of
`.notebooks`, and a line says which.)

A notebook passes when every cell does, and a cell passes when it ends well, writes nothing on stderr,
shows no panic and no path of this machine. (In evcxr a panic, or an error returned by `?`, can leave the
status at "ok".) Reports go to notebooks/reports: NAME.html to read, and NAME.ipynb.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import functools
import glob
import hashlib
import http.client
import importlib.util
import json
import os
import queue
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tarfile
import time
import urllib.parse
import urllib.request
import venv
import zlib
from pathlib import Path, PurePosixPath
from typing import Any, Callable, Iterator, NamedTuple, NoReturn, Optional, Union

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
GIVEN = "SHARP_MINIMA_CACHE"  # the variable that names a folder for all that is made
MIRROR = "SHARP_MINIMA_MIRROR"  # the variable that names a place to download from


def fits(folder: Path) -> bool:
    """Whether a kernel can work there: evcxr reads its own messages up to a space, and lists of folders to a colon."""
    return re.search(r"[\s:]", str(folder)) is None


def house() -> Path:
    """Where everything goes that is made and can be made again."""
    given = os.environ.get(GIVEN)
    if given:
        return Path(given).resolve()
    if fits(ROOT):
        return ROOT / ".notebooks"
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "sharp-minima" / f"{zlib.crc32(str(ROOT).encode()):08x}"


HOUSE = house()
PLAIN = HOUSE / "plain"  # what --speed plain makes
PYTHON = HOUSE / "venv" / "bin" / "python"
# Where cells run, and write to `reports`: whoever names a folder may not be able to write to the checkout.
DESK = HOUSE / "checkout" / "notebooks" if os.environ.get(GIVEN) else NOTEBOOKS
REPORTS = DESK / "reports"

RUST = (1, 95)
EVCXR = "0.22.0"
JUPYTER = ("jupyter_client==8.6.3", "nbconvert==7.17.2", "latex2mathml==3.81.1")
JUPYTERLAB = ("jupyterlab==4.5.11",)

PATIENCE = 60  # seconds within which a server that is not left must send
LEAST = 1 << 16  # bytes, so many or more
STALE = 3600  # seconds; a part to which nothing was written for as long is a dead run's
# What a disk refuses that another place might not.
NO_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)

EPILOG = """\
environment variables:
  SHARP_MINIMA_CACHE   a folder for all that is made, reports too, where the checkout is read-only
  SHARP_MINIMA_DATA    a folder of data sets to use besides data/
  SHARP_MINIMA_MIRROR  an http or https address where --download finds the files, not at their public homes
  SHARP_MINIMA_SCALE   what a notebook reads: it is set to quick, or with --full to full

exit status:
  0 all passed, 1 something failed, 2 wrong arguments, 130 interrupted (run it again to go on)
"""

Notebook = dict[str, Any]
Outputs = list[dict[str, Any]]


class Stop(Exception):
    """What the reader should know before the run ends with exit status 1."""


def say(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"  # a terminal may be without a letter, and a path be no text
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def read(path: Path) -> str:
    """The text of a file; empty where there is none."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def kept(path: Path) -> str:
    """The mark that an earlier run left; empty where there is none, or none that can be read."""
    try:
        return read(path)
    except (OSError, ValueError):
        return ""


def sweep(path: Path) -> None:
    """Removes what runs that were killed left beside `path`."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*part"):
        with contextlib.suppress(OSError):  # another run was faster, or it is not ours to remove
            if time.time() - part.stat().st_mtime > STALE:
                part.unlink()


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A new file beside `path` to which no other run writes; it is gone when the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path)
    part = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    part.open("xb").close()
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file beside `path`, which takes its place only when the block ends well."""
    with beside(path) as part:
        yield part
        os.replace(part, path)


def write(path: Path, text: str) -> None:
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def alone_at(work: str) -> Iterator[None]:
    """Waits until no other run is at this work: two would do it twice, or write the same files."""
    if os.name == "nt":  # has no such locks, but only downloads get here, and each writes to a file of its own
        yield
        return
    import fcntl

    path = HOUSE / "locks" / work
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run of this program, which is at the same work ({work})")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def set_up_desk() -> None:
    """Where a folder is named, one like the checkout in it: all is where cells look for it, and `reports` can be written."""
    if DESK != NOTEBOOKS:
        DESK.mkdir(parents=True, exist_ok=True)
        for path in ROOT.iterdir():
            link = DESK.parent / path.name
            is_made = path.name.startswith(".") or path.name in ("notebooks", "target")
            if not is_made and not (link.is_symlink() and os.readlink(link) == str(path)):
                link.unlink(missing_ok=True)
                link.symlink_to(path)


def shown(path: Path) -> Path:
    """A path as the reader would type it in the checkout."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


# ── Data sets ──────────────────────────────────────────────────────────────────────────────────────────


class File(NamedTuple):
    """A file's checksum and its size in bytes, as published."""

    checksum: str
    size: int


class Source(NamedTuple):
    """A data set's public home, its files, and what its archive holds: a folder, sizes in bytes."""

    home: str
    algorithm: str
    files: dict[str, File]
    folder: str = ""
    members: dict[str, int] = {}


SUMS = "SHA256SUMS"  # beside the members of an archive that came through this program: what they should be
UNCHECKED = ", but its content was not checked, only its sizes: its archive did not come through this program"
CIFAR = "https://www.cs.toronto.edu/~kriz"
SOURCES = {
    "mnist": Source(
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "sha256",
        {
            "train-images-idx3-ubyte.gz": File("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
            "train-labels-idx1-ubyte.gz": File("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
            "t10k-images-idx3-ubyte.gz": File("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
            "t10k-labels-idx1-ubyte.gz": File("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
        },
    ),
    "cifar10": Source(
        CIFAR,
        "md5",
        {"cifar-10-binary.tar.gz": File("c32a1d4ab5d03f1284b67883e8d87530", 170_052_171)},
        "cifar-10-batches-bin",
        dict.fromkeys([*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"], 30_730_000),
    ),
    "cifar100": Source(
        CIFAR,
        "md5",
        {"cifar-100-binary.tar.gz": File("03b5dce01913d631647c71ecec9e9cb8", 168_513_733)},
        "cifar-100-binary",
        {"train.bin": 153_700_000, "test.bin": 30_740_000},
    ),
}


def hash_of(path: Path, algorithm: str = "sha256") -> str:
    """The checksum of a file as it lies on the disk."""
    found = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()


def is_address(text: str) -> bool:
    """Whether files can be fetched from there."""
    try:
        parts = urllib.parse.urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0  # which fails where the port is no number
    except ValueError:
        return False
    return has_host and parts.scheme in ("http", "https") and not re.search(r"[\s\0-\x1f\x7f]", text)


def home_of(source: Source) -> str:
    """Where a data set's files are fetched."""
    mirror = os.environ.get(MIRROR)
    if mirror is None:
        return source.home
    if not is_address(mirror):
        raise Stop(f"{MIRROR} is {mirror!r}, but must be an http:// or https:// address, or not be set")
    return mirror.rstrip("/")


def pieces(url: str, size: int, expected: str) -> Iterator[bytes]:
    """What a server sends, as it comes; `Stop` where it is too long or too short, comes too slowly, or not at all."""
    came, before, since = 0, 0, time.monotonic()

    def too_slow(seconds: float) -> Stop:
        return Stop(f"{expected} only {came - before} came within {duration(seconds)}; running it again starts afresh")

    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as reply:
            promised = reply.headers.get("Content-Length", str(size))
            if promised != str(size):
                raise Stop(f"{expected} the server promises {promised!r}")
            # What is there, however little: to wait for more could last forever, without ever being silent for long.
            while chunk := reply.read1(1 << 16):
                came += len(chunk)
                if came > size:
                    raise Stop(f"{expected} already {came} came")
                yield chunk
                now = time.monotonic()
                if came < size and now - since >= PATIENCE:
                    if came - before < LEAST:
                        raise too_slow(now - since)
                    before, since = came, now
    except socket.timeout as error:
        raise too_slow(time.monotonic() - since) from error
    except (OSError, http.client.HTTPException, ValueError) as error:  # the last where it led to no address
        why = error if isinstance(error, OSError) else repr(error)
        raise Stop(f"{expected} {came} came, and then: {why}") from error
    if came < size:
        raise Stop(f"{expected} the connection ended after {came}")


def fetch(url: str, part: Path, algorithm: str, file: File) -> None:
    """Downloads one file to `part`; `Stop` unless what lies there then is what was published."""
    say(f"fetching {url}, {file.size:,} bytes")
    expected = f"{url}: expected {algorithm} {file.checksum} of {file.size} bytes, but"
    with part.open("wb") as out:
        for piece in pieces(url, file.size, expected):
            out.write(piece)
    found = hash_of(part, algorithm)
    if found != file.checksum:
        raise Stop(f"{expected} {part.stat().st_size} bytes came with {found}")


def unpack(archive: Path, name: str, source: Source, folder: Path) -> dict[str, str]:
    """Takes the members, and nothing else, out of an archive, each whole or not at all; their sha256 in it."""
    sums: dict[str, str] = {}
    with tarfile.open(archive) as tar:
        for entry in tar:
            path = PurePosixPath(entry.name)
            is_member = path.parts == (source.folder, path.name) and path.name in source.members and entry.isfile()
            if not is_member or path.name in sums:
                continue
            size, found = source.members[path.name], hashlib.sha256()
            if entry.size != size:
                raise Stop(f"{entry.name}: expected {size} bytes, but it has {entry.size}")
            packed: Any = tar.extractfile(entry)
            with replacing(folder / path.name) as part, part.open("wb") as file:
                while chunk := packed.read(1 << 20):
                    found.update(chunk)
                    file.write(chunk)
            sums[path.name] = found.hexdigest()
    missing = sorted(set(source.members) - set(sums))
    if missing:
        raise Stop(f"{name}: expected {', '.join(missing)} in it, but it is not there")
    return sums


def are_there(folder: Path, members: dict[str, int]) -> bool:
    """Whether all members are in a folder, by their sizes."""
    return all((folder / name).is_file() and (folder / name).stat().st_size == size for name, size in members.items())


def sums_in(path: Path) -> dict[str, str]:
    """File names and their sha256, as `sha256sum` writes them; none where there are none in that form."""
    return {name: checksum for checksum, name in re.findall(r"^([0-9a-f]{64}) [ *](.+)$", kept(path), re.M)}


def bring_files(source: Source, home: str, place: Path) -> str:
    """Has every file in its place; nothing more is to be said of them."""
    for name, file in source.files.items():
        target = place / name
        is_there = target.is_file() and target.stat().st_size == file.size
        if not is_there or hash_of(target, source.algorithm) != file.checksum:
            with replacing(target) as part:
                fetch(f"{home}/{name}", part, source.algorithm, file)
    return ""


def bring_members(source: Source, home: str, place: Path) -> str:
    """Has every member of the archive in its place; returns what else the reader should know of them."""
    inner = place / source.folder
    # The library takes the first of these that has them all, so it is there that they have to be right.
    there = next((folder for folder in (place, inner) if are_there(folder, source.members)), None)
    if there is not None:
        sums = sums_in(there / SUMS)
        wrong = sorted(name for name in source.members if name in sums and hash_of(there / name) != sums[name])
        if not wrong:
            return "" if sums.keys() >= source.members.keys() else UNCHECKED
        say(f"{shown(there)}: {', '.join(wrong)}: the content is not that of {SUMS}, so it is fetched again")
    folder = inner if there is None else there
    ((name, file),) = source.files.items()
    with beside(place / name) as archive:
        fetch(f"{home}/{name}", archive, source.algorithm, file)
        sums = unpack(archive, name, source, folder)
    write(folder / SUMS, "".join(f"{checksum}  {member}\n" for member, checksum in sorted(sums.items())))
    return ""


def download(name: str, data: Path = ROOT / "data") -> None:
    """Brings a data set to data/NAME, where the library looks for it; what is there and right stays."""
    source, place = SOURCES[name], data / name
    home, bring = home_of(source), bring_members if source.members else bring_files
    with alone_at(f"download-{name}"):
        try:
            for file in source.files:
                sweep(place / file)
            more = bring(source, home, place)
        except BrokenPipeError:  # whoever read what is said has gone
            raise
        except OSError as error:
            raise Stop(f"{shown(place)} cannot be read or written: {error}") from error
    say(f"{name}: ready in data/{name}{more}")


# ── Set-up: what is missing is made, and marked as made only when it is ────────────────────────────────


def call(hint: str, *command: Union[str, Path]) -> None:
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        raise Stop(hint)


def answer(*command: Union[str, Path]) -> str:
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", errors="replace")
    return done.stdout


@functools.lru_cache(maxsize=None)
def rust() -> str:
    """The version of the Rust compiler, which must be there and new enough."""
    if not shutil.which("cargo") or not shutil.which("rustc"):
        raise Stop("Rust is not installed, or not on the PATH: https://rustup.rs says how to get it")
    version = answer("rustc", "--version").strip()
    number = re.search(r"(\d+)\.(\d+)", version)
    if not number or tuple(map(int, number.groups())) < RUST:
        raise Stop(f"Rust {RUST[0]}.{RUST[1]} or newer is needed, but here is {version!r}: try `rustup update`")
    return version


def without_pip(folder: Path, error: subprocess.CalledProcessError) -> Exception:
    """Why a virtual environment got no pip: some systems pack what puts it there apart, or the disk is full."""
    if importlib.util.find_spec("ensurepip") is None:
        return Stop("no virtual environment: this Python has no ensurepip (Debian, Ubuntu: install python3-venv)")
    said = (error.output or b"").decode(errors="replace").strip()
    for number in map(int, re.findall(r"\[Errno (\d{1,4})\]", said)):
        if number in NO_PLACE:
            return OSError(number, os.strerror(number), str(folder))
    return Stop(f"no virtual environment: {error}\n{said}")


def set_up_jupyter(lab: bool) -> None:
    """Jupyter in a virtual environment of its own: what executes and reports, and JupyterLab where asked."""
    folder = HOUSE / "venv"
    pins = {"made": JUPYTER, **({"made-lab": JUPYTERLAB} if lab else {})}
    wanted = {mark: json.dumps([sys.version, str(folder), chosen]) for mark, chosen in pins.items()}
    if kept(folder / "made") != wanted["made"]:
        say(f"installing Jupyter in {shown(folder)}")
        try:
            venv.create(folder, clear=True, with_pip=True)
        except subprocess.CalledProcessError as error:
            raise without_pip(folder, error) from error
    for mark, chosen in pins.items():
        if kept(folder / mark) != wanted[mark]:
            call(f"pip could not install {' '.join(chosen)}", PYTHON, "-m", "pip", "install", "-q", *chosen)
            write(folder / mark, wanted[mark])


def set_up_evcxr() -> Path:
    """The kernel: the reader's own where cargo installed the right version, else one of ours."""
    theirs = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    theirs, ours = Path(os.environ.get("CARGO_INSTALL_ROOT") or theirs), HOUSE / "evcxr"
    for root in (theirs, ours):
        # Cargo knows the version; the kernel has no option that tells it.
        if f"evcxr_jupyter v{EVCXR}:" in answer("cargo", "install", "--list", "--root", root):
            return root / "bin" / "evcxr_jupyter"
    say(f"installing evcxr_jupyter {EVCXR} in {shown(ours)}, which takes minutes, this once")
    options = ("--version", EVCXR, "--locked", "--root", ours)
    call("cargo could not install evcxr_jupyter", "cargo", "install", "evcxr_jupyter", *options)
    return ours / "bin" / "evcxr_jupyter"


def cargo_config() -> str:
    """The crates that Cargo.toml leaves unoptimized in release builds, as they are not hot, are so here too."""
    _, _, packages = read(ROOT / "Cargo.toml").partition("[profile.release.package]\n")
    cold = re.findall(r"^([\w-]+) = \{ opt-level = 0 \}$", packages.partition("\n[")[0], re.M)
    return "".join(f"[profile.dev.package.{name}]\nopt-level = 0\n" for name in cold)


def set_up_kernel(evcxr: Path) -> None:
    """Registers the kernel `rust` inside the virtual environment, with everything that it reads beside it."""
    spec = {
        "argv": [str(PYTHON), str(Path(__file__).resolve()), "--kernel", str(evcxr), "{connection_file}"],
        "display_name": "Rust",
        "language": "rust",
        "interrupt_mode": "message",
        "env": {
            # evcxr compiles with Cargo's dev profile, whose checks make plain loops several times slower.
            "CARGO_PROFILE_DEV_OVERFLOW_CHECKS": "false",
            "CARGO_PROFILE_DEV_DEBUG_ASSERTIONS": "false",
            "CARGO_PROFILE_DEV_OPT_LEVEL": "3",
            GIVEN: str(HOUSE),
            "EVCXR_CONFIG_DIR": str(HOUSE / "config"),
            "XDG_CACHE_HOME": str(HOUSE / "cache"),
            # Where evcxr would look for a kernel that the reader registered, and bring it up to date.
            "JUPYTER_PATH": str(HOUSE / "jupyter"),
        },
    }
    write(HOUSE / "venv/share/jupyter/kernels/rust/kernel.json", json.dumps(spec, indent=1))
    # evcxr starts with a crate without dependencies, at which cargo empties the lock file. So the library's
    # is put there after that, and cells are compiled with the versions that the library is tested with.
    commands = (":cache 6000", ":preserve_vars_on_panic 0", '!cp "$SHARP_MINIMA_LOCK" "$EVCXR_TMPDIR/Cargo.lock"')
    write(HOUSE / "config/init.evcxr", "\n".join(commands))
    write(HOUSE / "cells/.cargo/config.toml", cargo_config())  # read by cargo for every crate in a folder below


def set_up_plain_kernel(evcxr: Path) -> None:
    """Has evcxr register itself as it does for a reader, but in a folder where no other Jupyter finds it."""
    environment = {**os.environ, "JUPYTER_PATH": str(PLAIN)}
    done = subprocess.run([evcxr, "--install"], env=environment, stdout=subprocess.DEVNULL)
    if done.returncode != 0 or not (PLAIN / "kernels/rust/kernel.json").exists():
        raise Stop("evcxr_jupyter --install did not register a kernel")
    (PLAIN / "cells").mkdir(parents=True, exist_ok=True)


def libraries() -> dict[str, str]:
    """Where what a cell was compiled to finds Rust's own library.

    rustc writes a path into it that is relative to where it lies, and evcxr moves it one folder up: the path then leads
    nowhere, unless it goes by the root of all folders, as it does from a folder for temporary files.
    """
    is_mac = sys.platform == "darwin"
    name = "DYLD_FALLBACK_LIBRARY_PATH" if is_mac else "LD_LIBRARY_PATH"
    before = os.environ.get(name) or ("/usr/local/lib:/usr/lib" if is_mac else "")
    return {name: os.pathsep.join(filter(None, [answer("rustc", "--print", "target-libdir").strip(), before]))}


def become_kernel(evcxr: str, connection_file: str) -> NoReturn:
    """What the registered kernel starts: evcxr, in the first folder of cells that is not in use.

    What one session compiled is there for the next. The kernel and its children hold the folder's lock.
    """
    import fcntl

    for number in range(1000):
        folder = HOUSE / "cells" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{folder}.lock", os.O_RDWR | os.O_CREAT)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
    if kept(folder / "made-from") != dependencies():
        shutil.rmtree(folder)
        write(folder / "made-from", dependencies())
    os.set_inheritable(lock, True)
    places = {"EVCXR_TMPDIR": str(folder), "SHARP_MINIMA_LOCK": str(ROOT / "Cargo.lock")}
    os.execve(evcxr, [evcxr, "--control_file", connection_file], {**os.environ, **libraries(), **places})


# ── Execution ──────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def session(scale: str, plain: bool = False) -> Iterator[Any]:
    """A kernel in the folder of the notebooks; it ends, with all that it started, when the block does."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import KernelManager

    specs = KernelSpecManager(kernel_dirs=[str(PLAIN / "kernels")]) if plain else KernelSpecManager()
    manager = KernelManager(kernel_name="rust", kernel_spec_manager=specs)
    environment = {**os.environ, "SHARP_MINIMA_SCALE": scale}
    if plain:  # these say only where it reads and writes
        places = {"EVCXR_TMPDIR": "cells", "EVCXR_CONFIG_DIR": "config", "JUPYTER_PATH": ""}
        environment.update(libraries() | {name: str(PLAIN / folder) for name, folder in places.items()})
    try:
        with (HOUSE / "kernel.log").open("wb") as log:
            manager.start_kernel(cwd=str(DESK), env=environment, stdout=log, stderr=log)
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=600)
        except RuntimeError as error:
            said = (HOUSE / "kernel.log").read_text(encoding="utf-8", errors="replace")
            raise Stop(f"the kernel did not start: {error}\n{said}") from error
        yield client
        client.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)


def published(client: Any, seconds: float) -> Iterator[Optional[dict[str, Any]]]:
    """What the kernel publishes, and None after every so many seconds without anything."""
    while True:
        try:
            yield client.get_iopub_msg(timeout=seconds)
        except queue.Empty:
            yield None


def run_cell(client: Any, source: str, doing: str) -> Outputs:
    """Runs one cell; its stdout is passed on as it comes, and what it put out is returned."""
    request = client.execute(source, allow_stdin=False)
    outputs: Outputs = []
    start = spoke = time.monotonic()
    for message in published(client, 1.0):
        if message is None:
            if not client.is_alive():
                return [*outputs, failure("the kernel died (often because memory ran out)")]
            if time.monotonic() - spoke >= 30:
                spoke = time.monotonic()
                say(f"    … {doing}, {duration(spoke - start)}")
        elif message["parent_header"].get("msg_id") == request:
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            if kind == "stream" and content["name"] == "stdout":
                spoke = time.monotonic()
                say("    │ " + content["text"].rstrip("\n"))
            collect(outputs, kind, content)
    # In evcxr the streams have a thread of their own, and their last lines may come after the end.
    for message in published(client, 0.1):
        if message is None:
            break
        collect(outputs, message["msg_type"], message["content"])
    try:
        status = client.get_shell_msg(timeout=60)["content"]["status"]
    except queue.Empty:
        return [*outputs, failure("the kernel does not answer any more")]
    if status != "ok" and not any(output["output_type"] == "error" for output in outputs):
        outputs.append(failure(f"the cell ended with status {status}"))
    return outputs


def failure(text: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": "Error", "evalue": text, "traceback": [text]}


def collect(outputs: Outputs, kind: str, content: dict[str, Any]) -> None:
    """Adds a kernel's message to a cell's outputs, streams first: evcxr shows values when a cell ends."""
    if kind == "stream":
        streams = {output["name"]: output for output in outputs if output["output_type"] == "stream"}
        if content["name"] in streams:
            streams[content["name"]]["text"] += content["text"]
        else:
            outputs.insert(len(streams), {"output_type": kind, "name": content["name"], "text": content["text"]})
    elif kind in ("execute_result", "display_data"):
        outputs.append({"output_type": kind, "data": content["data"], "metadata": {}})
    elif kind == "error":
        outputs.append({"output_type": kind, **{key: content[key] for key in ("ename", "evalue", "traceback")}})


# A line of progress of the library, as its `display` writes it.
PROGRESS = re.compile(r"^ *\d+ % · .* so far.*$\n?", re.MULTILINE)


def without_progress(outputs: Outputs) -> Outputs:
    """The outputs without lines of progress, which are of interest while a cell runs, and a difference of each run thereafter."""
    for output in outputs:
        if output["output_type"] == "stream" and output["name"] == "stdout":
            output["text"] = PROGRESS.sub("", output["text"])
    return [output for output in outputs if output["output_type"] != "stream" or output["text"].strip()]


PANIC = re.compile(r"thread '.*' (\(\d+\) )?panicked at|has overflowed its stack")
COLOR = re.compile(r"\x1b\[[\d;]*m")


def complaint(outputs: Outputs, private: list[str]) -> Optional[str]:
    """Why a cell with these outputs fails, or None; `private` are the paths that no output may show."""
    shown = {"error": "", "stderr": "", "stdout": "", "value": ""}
    for output in outputs:
        kind = output["output_type"]
        if kind == "error":
            shown["error"] += ("\n".join(output["traceback"]) or output["evalue"] or "error") + "\n"
        elif kind == "stream":
            shown[output["name"]] += output["text"]
        else:
            shown["value"] += "\n".join(str(v) for k, v in output["data"].items() if k != "image/png")
    if shown["error"]:
        cause, _, _ = shown["stderr"].partition("stack backtrace:")
        return COLOR.sub("", shown["error"] + cause)
    if shown["stderr"]:
        return f"it wrote on stderr:\n{shown['stderr']}"
    for where in ("stdout", "value"):
        if PANIC.search(shown[where]):
            return f"its {where} shows a panic:\n{shown[where]}"
        for path in private:
            if re.search(rf"(?<![\w.-]){re.escape(path)}(?![\w.-])", shown[where]):
                return f"its {where} shows a path of this machine, {path}"
    return None


# The first line of every notebook of ours.
DEP = ':dep sharp-minima = { path = ".." }'


class Kernel:
    """A kernel for one notebook after another, each as in a new one.

    What evcxr learned of the library in its first two cells, the better part of a minute on one core, stays. The process that
    holds the variables ends with each notebook.
    """

    def __init__(self, scale: str) -> None:
        self.scale = scale
        self.stack = contextlib.ExitStack()
        self.client: Any = None
        self.has_library = False

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *_: object) -> None:
        self.client = None
        self.stack.close()

    def clean(self, first: str) -> Any:
        """A client for a notebook whose first cell is this one.

        Where it does not bring the library, or the one before did not, cargo forgets the versions, and would compile it again.
        """
        needs_library = first.startswith(DEP)
        is_kept = self.client is not None and self.has_library and needs_library
        self.has_library = needs_library
        if not is_kept or complaint(run_cell(self.client, ":clear", "clearing"), []) is not None:
            self.__exit__()
            self.client = self.stack.enter_context(session(self.scale))
        return self.client


def execute(name: str, notebook: Notebook, kernel: Kernel) -> Optional[str]:
    """Runs the code cells up to the first that fails, and keeps their outputs; says what failed, if any."""
    private = [str(ROOT), str(HOUSE), str(Path.home()), os.environ.get("SHARP_MINIMA_DATA", "")]
    # Without a slash at the end, after which an output goes on.
    private = [os.path.normpath(path) for path in private if os.path.isabs(path)]
    private = [path for path in private if path != "/"]
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    client = kernel.clean("".join(cells[0]["source"]) if cells else "")
    for number, cell in enumerate(cells, 1):
        start, source, which = time.monotonic(), "".join(cell["source"]), f"cell {number} of {len(cells)}"
        cell["execution_count"] = number
        cell["outputs"] = run_cell(client, source, f"{which} is still running")
        for output in cell["outputs"]:
            if output["output_type"] == "execute_result":
                output["execution_count"] = number
        why = complaint(cell["outputs"], private)
        cell["outputs"] = without_progress(cell["outputs"])
        if why is not None:
            quoted = "\n".join(f"    {line}" for line in source.splitlines())
            return f"\n{name}, {which} failed:\n\n{quoted}\n\n{why.strip()}\n"
        say(f"  {which}: {duration(time.monotonic() - start)}")
    notebook["metadata"] = {**notebook["metadata"], "sharp_minima": {"outputs_of": checksum_of(cells)}}
    return None


def checksum_of(cells: list[dict[str, Any]]) -> str:
    """What ties outputs to the cells that gave them: CRC-32 of the code, a zero byte after each cell."""
    code = "".join("".join(cell["source"]) + "\0" for cell in cells)
    return f"crc32 {zlib.crc32(code.encode()):08x}"


# ── Notebooks, reports, and what they were made from ───────────────────────────────────────────────────


def normal(notebook: Notebook, outputs: bool = True) -> str:
    """A notebook's text in its one form: as nbformat writes it, and without what varies from run to run."""

    def lines(text: Any) -> Any:
        return text.splitlines(keepends=True) if isinstance(text, str) else text

    cells = []
    for number, before in enumerate(notebook["cells"], 1):
        cell = {"id": f"cell-{number}", "metadata": {}, **before, "source": lines("".join(before["source"]))}
        cell["metadata"] = {key: value for key, value in cell["metadata"].items() if key != "execution"}
        if cell["cell_type"] == "code":
            cell["execution_count"] = before.get("execution_count") if outputs else None
            cell["outputs"] = [dict(output) for output in before.get("outputs", [])] if outputs else []
            for output in cell["outputs"]:
                if "text" in output:
                    output["text"] = lines(output["text"])
                if "data" in output:
                    output["data"] = {k: v if "json" in k else lines(v) for k, v in output["data"].items()}
        cells.append(cell)
    metadata = {
        "kernelspec": {"display_name": "Rust", "language": "rust", "name": "rust"},
        "language_info": {"file_extension": ".rs", "mimetype": "text/rust", "name": "rust", "pygments_lexer": "rust"},
    }
    if outputs and "sharp_minima" in notebook["metadata"]:
        metadata["sharp_minima"] = notebook["metadata"]["sharp_minima"]
    whole = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def digest(*parts: Union[str, bytes]) -> str:
    """One fingerprint for several parts, told apart by their lengths."""
    whole = hashlib.sha256()
    for part in parts:
        part = part.encode(errors="surrogateescape") if isinstance(part, str) else part  # a path may be no text
        whole.update(b"%d\n" % len(part) + part)
    return whole.hexdigest()


def dependencies() -> str:
    """The fingerprint of what the compiled dependencies are made from."""
    return digest(rust(), EVCXR, read(ROOT / "Cargo.toml"), read(ROOT / "Cargo.lock"))


def fingerprint(notebook: Notebook, scale: str) -> str:
    """The fingerprint of what a report is made from; of files over a megabyte (data sets), only their size."""
    parts = [normal(notebook, outputs=False), scale, dependencies(), Path(__file__).read_bytes()]
    for folder in filter(None, (ROOT / "src", ROOT / "data", os.environ.get("SHARP_MINIMA_DATA"))):
        for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
            try:
                size = path.stat().st_size
                parts += [str(path), path.read_bytes() if size < 1_000_000 else str(size)]
            except FileNotFoundError:  # it was there a moment ago
                continue
            except OSError as error:
                raise Stop(f"{shown(path)} cannot be read: {error.strerror}") from error
    return digest(*parts)


def without_formulas(text: str, formulas: list[str]) -> str:
    """Markdown with a mark in the place of each formula, which joins the others; code stays what it is."""

    def mark(found: re.Match[str]) -> str:
        formulas.append(found[0])
        return f"\ue000{len(formulas) - 1}\ue001"

    parts = re.split(r"(```.*?```|`[^`]*`)", text, flags=re.S)
    for place in range(0, len(parts), 2):
        parts[place] = re.sub(r"\$\$.+?\$\$|\$[^$\n]+?\$", mark, parts[place], flags=re.S)
    return "".join(parts)


def mathml(formula: str) -> str:
    """A formula as MathML, which browsers show by themselves."""
    from latex2mathml.converter import convert

    return convert(formula.strip("$").strip(), display="block" if formula.startswith("$$") else "inline")


def page(text: str, title: str) -> str:
    """A notebook as one page of HTML, which loads nothing from the net."""
    import nbformat
    from nbconvert import HTMLExporter

    formulas: list[str] = []
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = without_formulas(cell.source, formulas)
    exporter = HTMLExporter(template_name="classic", embed_images=True)
    html, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": title}})
    html = re.sub(r"<!-- Load mathjax -->.*?<!-- End of mathjax configuration -->", "", html, flags=re.S)
    html = re.sub(r'<script src="https?://[^"]*"></script>', "", html)
    return re.sub("\ue000([0-9]+)\ue001", lambda found: mathml(formulas[int(found[1])]), html)


def compile_library(client: Any, *more: str) -> None:
    """Runs the cell that every notebook begins with, and more."""
    for source in (DEP, *more):
        why = complaint(run_cell(client, source, "compiling"), [])
        if why is not None:
            raise Stop(f"the library does not compile in the kernel:\n{why}")


def fill_cache() -> None:
    """Compiles the dependencies once, so that no notebook has to."""
    if kept(HOUSE / "filled") == dependencies():
        return
    say("compiling the library's dependencies, once: 5 to 9 minutes on two cores")
    start = time.monotonic()
    with session("quick") as client:
        compile_library(client, "let one = 1;")
    write(HOUSE / "filled", dependencies())
    say(f"compiled in {duration(time.monotonic() - start)}")


def flaw(notebook: Any) -> Optional[str]:
    """What a notebook lacks that is relied upon here, or None."""
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        return "it has no list of cells"
    if not isinstance(notebook.get("metadata"), dict):
        return "it has no metadata"
    for number, cell in enumerate(notebook["cells"], 1):
        if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
            return f"cell {number} is no cell of code or text"
        source = cell.get("source")
        if not isinstance(source, str) and not (isinstance(source, list) and all(isinstance(s, str) for s in source)):
            return f"cell {number} has no source that is text"
        if not isinstance(cell.get("metadata"), dict) or not isinstance(cell.get("id", ""), str):
            return f"cell {number} has no metadata, or an id that is no text"
    return None


def load(path: Path) -> Notebook:
    """A notebook from its file; `Stop` where it cannot be read, or lacks what is relied upon here."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        why = flaw(notebook)
        if why is None:
            normal(notebook, outputs=False).encode()  # fails where it is nested too deeply, or has half a character
            return notebook
    except OSError as error:
        raise Stop(f"{shown(path)} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        why = str(error)
    raise Stop(f"{shown(path)} is not a whole notebook: {why}")


def is_whole(path: Path) -> bool:
    try:
        load(path)
    except Stop:
        return False
    return True


def make_report(path: Path, kernel: Kernel, again: bool, save: bool) -> bool:
    """Executes one notebook and writes its report, unless it is there already; whether all went well."""
    name = path.stem + ("_full" if kernel.scale == "full" else "")
    with alone_at(name):
        return make_report_alone(path, name, kernel, again, save)


def make_report_alone(path: Path, name: str, kernel: Kernel, again: bool, save: bool) -> bool:
    html, executed, mark = REPORTS / f"{name}.html", REPORTS / f"{name}.ipynb", HOUSE / "made" / name
    notebook = load(path)
    made_from = fingerprint(notebook, kernel.scale)
    if not again and kept(mark) == made_from and html.exists() and is_whole(executed):
        say(f"{name}: up to date, {shown(html)}")
    else:
        say(f"{name}:")
        mark.unlink(missing_ok=True)
        start = time.monotonic()
        why = execute(name, notebook, kernel)
        if why is not None:
            print(why, file=sys.stderr, flush=True)
            return False
        write(executed, normal(notebook))
        write(html, page(read(executed), path.stem))
        write(mark, made_from)
        say(f"{name}: passed in {duration(time.monotonic() - start)}, {shown(html)}")
    if save:
        write(path, read(executed))
        say(f"{name}: saved, {shown(path)}")
    return True


def resolve(names: list[str], folder: Path = NOTEBOOKS) -> list[Path]:
    """The notebooks meant by numbers, names or paths, in that order; all of them where none is named."""
    there = sorted(folder.glob("*.ipynb"))
    chosen: dict[Path, None] = {}
    for name in names:
        stem = PurePosixPath(name).stem if name.endswith(".ipynb") else name
        found = [path for path in there if stem in (path.stem, path.stem.split("_")[0])]
        if not found:
            names_there = ", ".join(path.stem for path in there) or "none"
            raise LookupError(f"no notebook is called {name}; there are: {names_there}")
        chosen.update(dict.fromkeys(found))
    return list(chosen) if names else there


# ── Speed ──────────────────────────────────────────────────────────────────────────────────────────────

# What a kernel's time may be, as a multiple of a release build's.
PROMISES = {"ours": 1.05, "plain": 1.25}
CALLS = {"one trial on all threads": 1, "two trials side by side": 2}
POINTS, TESTED, BATCH, EPOCHS = 6_000, 1_000, 256, 4
REPETITIONS = 9
PAUSE = 0.2  # seconds before each measurement, in which what came before it goes to sleep

# As benches/work.rs does it for `prepare training`.
PREPARED = f"""\
use sharp_minima::*;
let data = data::Synthetic::new(&[1, 28, 28], 10).train({POINTS}).test({TESTED}).spread(10.0).make()?;
let net = zoo::f1(data.shape(), data.classes(), 1.0)?;
"""


def measured(trials: int, threads: int) -> str:
    """The cell that trains, and prints the seconds that this alone took."""
    return f"""\
{{
    let training = Training::adam().batch({BATCH}).trials({trials}).epochs({EPOCHS}).threads({threads}).quiet();
    std::thread::sleep(std::time::Duration::from_secs_f64({PAUSE}));
    let start = std::time::Instant::now();
    training.run(&net, &data)?;
    println!("kernel {{:.3}} s", start.elapsed().as_secs_f64());
}}
"""


def kernel_seconds(outputs: Outputs) -> float:
    """What the cell printed; `Stop` where it failed in any way."""
    why = complaint(outputs, [])
    text = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    found = re.fullmatch(r"kernel (\d+\.\d+) s\n", text)
    if why is not None or not found:
        raise Stop(f"the kernel did not train:\n{why or f'it printed {text!r}'}")
    return float(found[1])


class Speed(NamedTuple):
    """The seconds of the same call, in pairs: in a kernel, and in a release build."""

    title: str
    kernel: list[float]
    release: list[float]

    def ratios(self) -> list[float]:
        return [kernel / release for kernel, release in zip(self.kernel, self.release)]

    def ratio(self) -> float:
        return statistics.median(self.ratios())

    def __str__(self) -> str:
        kernel, release, ratios = statistics.median(self.kernel), statistics.median(self.release), self.ratios()
        spread = f"{self.ratio():.3f} ({min(ratios):.3f}–{max(ratios):.3f})"
        return f"{self.title}: kernel {kernel:.3f} s, release {release:.3f} s, kernel / release {spread}"


def executable(messages: str) -> str:
    """Where cargo, which says it in JSON, put benches/work.rs."""
    for line in messages.splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == "work" and message["executable"]:
            return str(message["executable"])
    raise Stop("cargo did not build benches/work.rs")


@contextlib.contextmanager
def release_build(threads: int) -> Iterator[Callable[[str], str]]:
    """benches/work.rs, built as every benchmark is and started: to each line that it is told, it answers one."""
    say("building benches/work.rs for release")
    build = ("cargo", "bench", "--bench", "work", "--no-run", "--message-format=json-render-diagnostics")
    command = (executable(answer(*build)), "--threads", str(threads))
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(line: str) -> str:
        with contextlib.suppress(BrokenPipeError):  # then there is no answer
            print(line, file=process.stdin, flush=True)
        reply = process.stdout.readline().strip()  # type: ignore[union-attr]
        if not reply:
            raise Stop(f"the release build was asked for {line!r}, but ended with status {process.wait()}")
        return reply

    try:
        yield ask
    finally:
        process.kill()
        process.communicate()


def measure_speed(which: str) -> None:
    """Is a training in a kernel, ours or plain, as fast as in a release build? They take turns, after a warm-up."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    promise, found = PROMISES[which], []
    with release_build(threads) as ask, session("quick", plain=which == "plain") as client:
        say("compiling the library in the kernel" + (", the first time for up to 15 minutes" * (which == "plain")))
        compile_library(client, PREPARED)
        for title, trials in CALLS.items():
            say(f"F1, {POINTS:,} points, batch {BATCH}, {EPOCHS} epochs, {title}, {threads} threads in all:")
            ask(f"prepare training f1 {POINTS} {TESTED} {EPOCHS} {BATCH} {trials}")
            pairs = []
            for _ in range(1 + REPETITIONS):
                kernel = kernel_seconds(run_cell(client, measured(trials, threads), "measuring"))
                time.sleep(PAUSE)
                pairs.append((kernel, float(ask("run 1"))))
                say(f"    │ release {pairs[-1][1]:.3f} s")
            found.append(Speed(title, *map(list, zip(*pairs[1:]))))  # the first warms up
    about = f"medians of {REPETITIONS}, and the range; promised: at most {promise}"
    say("\n".join([f"\n{which} kernel against a release build, {about}", *(f"  {speed}" for speed in found)]))
    slow = [f"{speed.title}: {speed.ratio():.3f}" for speed in found if speed.ratio() > promise]
    if slow:
        raise Stop(f"the kernel is slower than promised ({', '.join(slow)}); other programs at work may be why")


# ── The command ────────────────────────────────────────────────────────────────────────────────────────


def arguments() -> argparse.ArgumentParser:
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("run.py", description=__doc__, epilog=EPILOG, formatter_class=style)
    option = parser.add_argument
    option("names", nargs="*", metavar="NAME", help="01, 01_generalization_gap, or a path; all when none is named")
    option("--again", action="store_true", help="run them even where the report is up to date")
    option("--full", action="store_true", help="at the paper's scale: hours; reports are named NAME_full")
    option("--save", action="store_true", help="for maintainers: put the outputs into the notebooks themselves")
    option("--lab", action="store_true", help="open JupyterLab with this kernel, and run nothing")
    about = "is a training in the kernel as fast as in a release build? `plain`: in a kernel with evcxr's defaults"
    option("--speed", nargs="?", choices=PROMISES, const="ours", help=about)
    about = f"fetch a data set ({', '.join(SOURCES)}) to data/SET, checked by checksum; alone, run nothing"
    option("--download", action="append", default=[], choices=SOURCES, metavar="SET", help=about)
    option("--kernel", nargs=2, help=argparse.SUPPRESS)
    return parser


def enter(argv: list[str], lab: bool, plain: bool) -> NoReturn:
    """Sets up, and becomes this file run by the virtual environment, with a Jupyter home of its own."""
    if os.name == "nt":
        raise Stop("this works on Linux and macOS; on Windows, in the Windows Subsystem for Linux")
    if not fits(HOUSE):
        raise Stop(f"the Rust kernel cannot work in {HOUSE}, for the space or colon: {GIVEN} names another folder")
    if not fits(ROOT) and not os.environ.get(GIVEN):
        say(f"this checkout's path has a space or a colon, so what the Rust kernel needs goes to {HOUSE}")
    rust()
    with alone_at("set-up"):
        set_up_desk()
        set_up_jupyter(lab)
        evcxr = set_up_evcxr()
        set_up_kernel(evcxr)
        if plain:
            set_up_plain_kernel(evcxr)
    homes = {f"JUPYTER_{kind}_DIR": str(HOUSE / "jupyter" / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    dropped = ("JUPYTER_PATH", "EVCXR_TMPDIR", "PYTHONHOME", "PYTHONPATH")
    kept = {key: value for key, value in os.environ.items() if key not in dropped}
    os.execve(PYTHON, [str(PYTHON), str(Path(__file__).resolve()), *argv], {**kept, **homes})


def open_lab() -> NoReturn:
    options = [f"--ServerApp.root_dir={NOTEBOOKS}", "--MultiKernelManager.default_kernel_name=rust"]
    options += ["--allow-root"] if os.geteuid() == 0 else []
    # JupyterLab shows no SVG of a notebook that it does not trust, and these are the reader's own checkout.
    # Where one is torn, JupyterLab opens all the same: it may be there to be mended.
    notebooks = sorted(str(path) for path in NOTEBOOKS.glob("*.ipynb") if is_whole(path))
    command = [PYTHON, "-m", "nbformat.sign", *notebooks]
    if notebooks and subprocess.run(command, stdout=subprocess.DEVNULL).returncode != 0:
        raise Stop("Jupyter could not mark the notebooks as trusted")
    os.execv(PYTHON, [str(PYTHON), "-m", "jupyterlab", *options])


def main(argv: list[str]) -> int:
    parser = arguments()
    args = parser.parse_args(argv)
    if args.full and args.save:
        parser.error("--save keeps quick runs only, so it does not go with --full")
    if args.speed and (args.names or args.lab):
        parser.error("--speed runs no notebook, so it goes with no name and not with --lab")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as an exception, so that kernels and parts go
    try:
        if args.kernel:
            become_kernel(*args.kernel)
        chosen = resolve(args.names)
        if Path(sys.prefix) != HOUSE / "venv":
            for name in args.download:
                download(name)
            if args.download and not args.names and not args.lab and not args.speed:
                return 0
            enter(argv, args.lab, args.speed == "plain")
        if args.speed != "plain":
            with alone_at("set-up"):
                fill_cache()
        if args.speed:
            measure_speed(args.speed)
            return 0
        if args.lab:
            open_lab()
        with Kernel("full" if args.full else "quick") as kernel:
            failed = [path.stem for path in chosen if not make_report(path, kernel, args.again, args.save)]
        if failed:
            raise Stop(f"{len(failed)} of {len(chosen)} failed: {', '.join(failed)}")
        return 0
    except LookupError as error:
        parser.error(str(error))
    except Stop as stop:
        print(f"run.py: {stop}", file=sys.stderr, flush=True)
        return 1
    except OSError as error:  # a full disk, a folder that cannot be written
        can_move = error.errno in NO_PLACE and not os.environ.get(GIVEN)
        hint = f" ({GIVEN} names another folder for what is made)" if can_move else ""
        print(f"run.py: {error}{hint}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("run.py: interrupted; run it again to go on", file=sys.stderr, flush=True)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
