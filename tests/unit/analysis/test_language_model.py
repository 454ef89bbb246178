"""The unpacked model of languages: made once, never trusted blindly, never in the way."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from filmpulse.analysis import language

TEXTS = ["This was a complete waste of time.", "Ein wunderbarer Film.", "Una película lenta.", "ok"]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that one process unpacked."""
    folder = tmp_path_factory.mktemp("temp")
    run(folder)
    (made,) = folder.iterdir()
    return made


@pytest.fixture
def temp(unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary directory of our own with a copy of it."""
    copy = tmp_path / unpacked.name
    copy.mkdir(mode=0o700)
    for file in unpacked.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(language.tempfile, "gettempdir", lambda: str(tmp_path))
    # Unpacking takes a second.
    monkeypatch.setattr(language, "_read", lambda: language._mapped(unpacked))
    language._identifier.cache_clear()
    yield copy
    language._identifier.cache_clear()


def run(temp: Path) -> str:
    script = (
        "from filmpulse.analysis.language import detect_language\n"
        f"print([detect_language(t) for t in {TEXTS!r}])"
    )
    environment = {"TMPDIR": str(temp), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    ).stdout


def answers() -> list[str | None]:
    return [language.detect_language(text) for text in TEXTS]


def test_what_is_unpacked_answers_as_the_model_of_the_library(
    temp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    plain = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    plain.set_languages([label for label in plain.labels if len(label) == 2])
    monkeypatch.setattr(language, "_read", lambda: pytest.fail("read again"))
    ours = language._identifier()
    for text in [*TEXTS, "", "映画", "ß" * 300, "the the der der", "\x00\ud800"]:
        label, probability = plain.classify(text)
        assert ours(text)[0] == label
        assert ours(text)[1] == pytest.approx(probability, abs=1e-6)


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / "ptc.npy").unlink(),
        lambda folder: (folder / "row.npy").write_bytes(b""),
        lambda folder: (folder / "nextmove.npy").write_bytes(b"\x93NUMPY"),
        lambda folder: (folder / "ptc.npy").write_bytes((folder / "ptc.npy").read_bytes()[:9000]),
    ],
)
def test_a_damaged_one_is_made_anew(temp: Path, harm: Callable[[Path], object]) -> None:
    expected = answers()
    language._identifier.cache_clear()
    harm(temp)
    assert answers() == expected
    assert set(language._mapped(temp)) == set(language._ARRAYS)


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_one_that_others_can_change_is_not_used(temp: Path, mode: int) -> None:
    temp.chmod(mode)
    with pytest.raises(PermissionError):
        language._mapped(temp)
    assert answers()[0] == "en"
    assert temp.stat().st_mode & 0o077 == 0


def test_a_link_is_not_followed(temp: Path) -> None:
    real = temp.rename(temp.with_name("elsewhere"))
    temp.symlink_to(real)
    with pytest.raises(PermissionError):
        language._mapped(temp)
    assert answers()[0] == "en"


def test_no_place_to_keep_it_is_no_failure(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_folder", lambda: temp / "ptc.npy" / "folder")
    assert answers()[0] == "en"


def test_processes_at_once_leave_one(tmp_path: Path) -> None:
    script = "from filmpulse.analysis.language import detect_language as d; print(d('A fine film'))"
    environment = {"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    started = [
        subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    assert len({process.communicate()[0] for process in started}) == 1
    assert all(process.returncode == 0 for process in started)
    assert len(list(tmp_path.iterdir())) == 1
