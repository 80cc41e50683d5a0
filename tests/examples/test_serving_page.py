"""The page of `examples/serve`, in a real browser."""

import time
from pathlib import Path

import numpy as np
import pytest

import keras_videogpt as kvg

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def page(served, tmp_path_factory):
    """The page in a browser that has never run."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's chromium")
    flags = (
        "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync"
    )
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=CHROMIUM,
            headless=True,
            args=flags.split(),
        )
        page = browser.new_page()
        page.broken = []
        page.on("pageerror", lambda error: page.broken.append(str(error)))
        page.goto(f"http://{served.http}/page/")
        page.wait_for_function("document.querySelector('#status').textContent === 'Ready.'")
        yield page
        browser.close()


def pixels(page) -> np.ndarray:
    """What the canvases show: uint8 `(n, H, W, 4)`."""
    script = """() => [...document.querySelectorAll("canvas")].map((c) =>
        [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data])"""
    return np.array(page.evaluate(script), "uint8").reshape(-1, 16, 16, 4)


def test_the_page_shows_clips_that_move(served, page):
    page.get_by_label("Clips", exact=True).fill("3")
    page.get_by_label("Seed", exact=True).fill("5")
    page.get_by_label("Label", exact=True).fill("2")
    page.get_by_role("button", name="Sample", exact=True).click()
    page.wait_for_selector("canvas")
    assert page.inner_text("#status").startswith("3 clips in ")
    clips = kvg.sample(served.model, n=3, labels=[2, 2, 2], seed=5, progress=False)
    seen, end = set(), time.monotonic() + 10
    while len(seen) < 4 and time.monotonic() < end:
        shown = pixels(page)[..., :3].astype(int)
        matching = [t for t in range(4) if np.abs(shown - clips[:, t]).max() <= 1]
        assert matching, "the canvases show no frame of the clips"
        seen.update(matching)
    assert seen == {0, 1, 2, 3}
    assert clips.std() > 1 and np.any(clips[:, 0] != clips[:, 1])
    assert page.broken == []


def test_the_page_says_in_words_what_is_wrong(page):
    for label, value, words in (
        ("Temperature", "-1", "temperature must be 0 or more, and finite."),
        ("Clips", "17", "n: 1 to 16 clips, got 17."),
        ("Label", "3", "labels must lie in [0, 2]."),
        ("Seed", "", "seed: a whole number is needed."),
    ):
        field = page.get_by_label(label, exact=True)
        before = field.input_value()
        field.fill(value)
        page.get_by_role("button", name="Sample", exact=True).click()
        page.wait_for_function(
            "text => document.querySelector('#status').textContent === text", arg=words
        )
        assert field.get_attribute("aria-invalid") == "true"
        field.fill(before)
    page.get_by_role("button", name="Next seed").click()
    page.wait_for_function("document.querySelector('#status').textContent.includes('clip')")
    assert page.locator("[aria-invalid=true]").count() == 0
    assert page.broken == []
