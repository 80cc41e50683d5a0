"""Every code block of the site runs: those of a page in order, after those of Getting started.

A block that can't run here has `<!-- not run: REASON -->` in the line before it.
"""

import importlib
import pkgutil
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import keras
import pytest

import keras_videogpt as kvg
from keras_videogpt.cli import main

SITE = Path(__file__).parent.parent / "tools" / "documentation"
START = "getting_started.md"
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.md"))
FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]+) -->\n)?```(?P<language>\S*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
NOT_RUN_AT_MOST = 12

once = pytest.mark.skipif(
    keras.backend.backend() != "torch",
    reason="pages run once, where nothing is compiled: what they call is tested on every backend",
)


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    text: str
    reason: str | None

    def run(self, names: dict) -> None:
        if self.language == "python":
            # Empty lines before it, so that an error names the line of the page.
            code = compile("\n" * self.line + self.text, self.page, "exec")
            exec(code, names)
            return
        for line in self.text.replace("\\\n", " ").splitlines():
            command = shlex.split(line, comments=True)
            if command[:1] == ["keras-videogpt"]:
                assert main(command[1:]) == 0, f"{self.page}, line {self.line}: {line}"
            elif command:
                subprocess.run(["bash", "-ec", line], check=True)


def blocks_of(page: str) -> list[Block]:
    """The code blocks of a page; directives of the generator, in braces, are none."""
    source = (SITE / page).read_text()
    found = []
    for match in FENCE.finditer(source):
        if not match["language"].startswith("{"):
            line = source.count("\n", 0, match.start("text"))
            found.append(Block(page, line, match["language"], match["text"], match["reason"]))
    return found


def run_page(page: str) -> int:
    """Runs what can be run of a page in the current folder; how many blocks that are."""
    names: dict = {"__name__": page}
    to_run = [b for b in blocks_of(page) if b.language and b.reason is None]
    for block in to_run:
        block.run(names)
    return len(to_run)


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
WITH_CODE = [page for page in PAGES if any(b.language and not b.reason for b in blocks_of(page))]


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """The folder as Getting started leaves it."""
    folder = tmp_path_factory.mktemp("site") / "started"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run_page(START) >= 4
    return folder


@once
def test_getting_started_leaves_what_it_says(started):
    written = {path.name for path in started.iterdir()}
    assert written >= {"videos", "runs", "reconstruction.gif", "samples.gif", "videogpt.keras"}


@once
@pytest.mark.parametrize("page", [page for page in WITH_CODE if page != START])
def test_every_block_of_a_page_runs(page, started, tmp_path, monkeypatch):
    folder = shutil.copytree(started, tmp_path / "copy")
    monkeypatch.chdir(folder)
    assert run_page(page) >= 1


def test_blocks_are_of_languages_that_are_run():
    assert {block.language for block in BLOCKS} <= {"python", "bash", ""}
    assert sum(block.language != "" for block in BLOCKS) >= 40


def test_blocks_that_are_not_run_are_few_and_say_why():
    left_out = [block for block in BLOCKS if block.reason]
    assert len(left_out) <= NOT_RUN_AT_MOST
    marks = sum((SITE / page).read_text().count("not run:") for page in PAGES)
    assert marks == len(left_out), "a mark stands in the line before its block"


def test_every_package_with_public_names_has_a_page_of_the_reference():
    packages = [kvg, *(importlib.import_module(i.name) for i in submodules())]
    public = {package.__name__ for package in packages if getattr(package, "__all__", None)}
    pages = "".join(path.read_text() for path in (SITE / "reference").glob("*.md"))
    assert public <= set(re.findall(r"automodule:: (\S+)", pages))


def submodules():
    return [i for i in pkgutil.iter_modules(kvg.__path__, "keras_videogpt.") if i.ispkg]


def test_the_citation_and_the_changelog_are_of_this_version():
    assert f"\nversion: {kvg.__version__}\n" in (SITE / "CITATION.cff").read_text()
    assert f"\n## {kvg.__version__}" in (SITE / "changelog.md").read_text()
