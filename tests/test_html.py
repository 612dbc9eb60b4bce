"""The HTML report: its parts, what an attacker's log can do to it (nothing), and the page in a real browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_reports import contrast, curve, diagnosis, noisy, proof

from lossdoctor.compare import compare
from lossdoctor.core.comparison import Comparison, Judgement, Standing
from lossdoctor.core.diagnosis import Diagnosis, Examination, Status, Verdict
from lossdoctor.core.fix import Settings
from lossdoctor.core.report import Context, Page
from lossdoctor.core.ruling import Objection, Ruling
from lossdoctor.core.run import Run
from lossdoctor.core.wording import yaml_diff
from lossdoctor.reports.html._figure import Figure
from lossdoctor.reports.html._thin import medians, thin
from lossdoctor.reports.html.report import Html

EVIL = "</script><img src=x onerror=\"document.title='owned'\">\u2028<!--<script>'\x1b[31m\u202e\udcff"

OURS = {
    *("html", "head", "meta", "title", "style", "script", "body", "header", "main", "article", "section", "footer", "h1", "h2", "h3", "h4"),
    *("p", "a", "div", "span", "small", "dl", "dt", "dd", "ol", "ul", "li", "pre", "ins", "del", "code", "details", "summary", "noscript"),
    *("button", "output", "table", "thead", "tbody", "tr", "th", "td", "svg", "path", "circle", "rect", "label", "select", "b"),
}  # elements that the templates write


def page(*diagnoses: Diagnosis) -> str:
    return Html().diagnoses(diagnoses, Page())


class Elements(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and the text of each kind of element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: dict[str, list[str]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))
        if tag not in ("meta", "path", "circle", "rect", "br"):
            self.open.append(tag)
            self.text.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.text[tag][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def data(html: str) -> Any:
    return json.loads(Elements(html).text["script"][0])


# fewer points for the eye


@pytest.mark.parametrize("length", [1_001, 50_000, 1_000_000])
def test_thinning_keeps_a_spike_of_one_point_a_dip_and_a_gap_of_one_point(length: int) -> None:
    values = noisy(length)
    spike, dip, gap, last = length // 3, length // 2, length * 3 // 4, length - 1
    values[spike], values[dip], values[gap], values[last] = 99.0, -99.0, np.nan, np.inf
    thinned = thin(curve(values), 600)
    assert len(thinned) <= 600
    assert {0, spike, dip, gap, last} <= set(thinned.step.tolist())
    assert np.all(np.diff(thinned.step) > 0)
    assert np.isnan(thinned.value[thinned.step == gap])
    assert thinned.value[-1] == np.inf


def test_thinning_keeps_the_envelope_of_every_stretch() -> None:
    values = noisy(90_000)
    thinned = thin(curve(values), 902)
    for start in range(0, 90_000, 3_000):
        here = (thinned.step >= start) & (thinned.step < start + 3_000)
        assert thinned.value[here].min() == values[start : start + 3_000].min()
        assert thinned.value[here].max() == values[start : start + 3_000].max()


def test_thinning_leaves_a_short_curve_alone_and_a_long_one_of_nan_standing() -> None:
    short = curve([3, 2, 1])
    assert thin(short, 100) is short
    assert np.isnan(thin(curve(np.full(5_000, np.nan)), 100).value).all()
    assert len(thin(curve(np.ones(5_000)), 2)) >= 2


def test_the_trend_is_the_curve_without_its_noise_and_its_gaps() -> None:
    values = noisy(60_000)
    values[30_000:31_000] = np.nan
    values[7] = 1e9
    line = medians(curve(values), 100)
    assert len(line) == 100
    assert np.abs(line.value - (2 * np.exp(-line.step / 60_000 * 4) + 0.3)).max() < 0.03


# the page


def test_the_page_says_what_is_wrong_since_when_and_what_to_do_before_anything_else() -> None:
    html = page(diagnosis())
    text = " ".join(re.sub(r"<[^>]+>", " ", html[html.index("<main") :]).split())
    places = [
        text.index(part) for part in ("Stalled", "93 % sure", "Flat although", "Learning rate too high", "step 300", "Lower learning rate")
    ]
    assert places == sorted(places)
    assert "41 % of the run came after" in text
    assert "0.31" in text
    assert "torch.optim.Adam(model.parameters(), lr=0.003)" in text, "the code has the value of the patch"
    assert "- lr: 0.1" in text
    assert "+ lr: 0.003" in text


def test_the_chart_has_all_panels_the_marked_steps_and_the_forecast() -> None:
    (figure,) = data(page(diagnosis()))
    assert [[c["name"] for c in panel["curves"]] for panel in figure["panels"]] == [["train_loss", "val_loss"], ["val_f1"], ["lr"]]
    assert {mark["name"]: mark["step"] for mark in figure["marks"]} == {"onset": 300, "best": 290, "stop": 350}
    forecast = figure["panels"][0]["forecast"]
    assert (forecast["x"], forecast["value"][1], forecast["low"], forecast["high"]) == ([490, 600], 0.29, 0.2, 0.4)


def test_values_that_are_no_numbers_are_gaps_and_marked_stretches() -> None:
    values = noisy(5_000)
    values[3_000:3_003] = np.nan
    sick = diagnosis()
    sick = replace(sick, run=replace(sick.run, curves={**sick.run.curves, "train_loss": curve(values)}))
    train = data(page(sick))[0]["panels"][0]["curves"][0]
    assert train["holes"] == [[3000, 3002]]
    assert None in train["y"]
    assert train["n"] == 5_000


def test_points_that_share_a_step_are_all_drawn() -> None:
    doubled = Figure("", [{"loss": curve([4, 3, 2, 1], step=[0, 0, 10, 10])}]).data(100)["panels"][0]["curves"][0]
    assert doubled["x"] == [0, 5, 10, 15]
    assert doubled["y"] == [4, 3, 2, 1]


def test_the_chart_has_a_table_that_says_the_same() -> None:
    heads, rows = Figure.of(diagnosis()).table()
    assert heads == ["step", "train_loss", "val_loss", "val_f1", "lr"]
    marked = {row[0]: row for row in rows}
    assert {"300 onset", "290 best", "350 stop"} <= set(marked)
    assert float(marked["0"][4]) == 0.1
    assert "<details><summary>The chart as a table</summary>" in page(diagnosis())


def test_several_runs_lie_over_each_other_and_beside_each_other() -> None:
    html = page(diagnosis("runs/a.csv"), diagnosis("runs/b.csv"))
    found = Elements(html)
    assert [figure["short"] for figure in data(html)] == ["a.csv", "b.csv"]
    assert {"#run-0", "#run-1"} <= {link["href"] for link in found.all("a")}
    assert {"run-0", "run-1"} <= {article.get("id") for article in found.all("article")}
    assert any("data-overlay" in section for section in found.all("section"))


def test_what_is_known_beside_the_diagnoses_is_on_the_page() -> None:
    worse, best = diagnosis("runs/a.csv"), diagnosis("runs/b.csv")
    standings = (Standing(best.run, 0.3, 490), Standing(worse.run, 0.5, 490, behind=0.2, margin=0.05, differs=True, parted_at=120.0))
    comparison = Comparison(
        (worse.run, best.run),
        "val_loss",
        "step",
        standings=standings,
        left_out=((worse.run, EVIL),),
        changed={"training.optimizer.lr": (0.1, None), EVIL: (EVIL, 1)},
        judgements=(Judgement(worse.run, worse=True, summary=f"worse than the baseline {EVIL}"),),
        summary="b.csv ends better.",
    )
    rulings = (Ruling(worse, (Objection("max_wasted", f"41 % is more than 30 % {EVIL}"),)), Ruling(best))
    html = Html().diagnoses([worse, best], Page(), Context(comparison, rulings, {"c.csv": f"c.csv does not exist {EVIL}"}))
    text = " ".join(re.sub(r"<[^>]+>", " ", html[html.index("<main") :]).split())
    for part in (
        "b.csv ends better.",
        "worse since step 120",
        "not logged",
        "Fails the policy",
        "41 % is more than 30 %",
        "c.csv does not exist",
    ):
        assert part in text
    assert (text.count("Fails"), text.count("Passes")) == (2, 1)
    assert {tag for tag, _ in Elements(html).found} <= OURS
    assert "Fails the policy" in Html().proof(proof(), Page(), [Objection("never_learned", "It never learned.")])


def test_thousands_of_runs_become_a_table_with_the_worst_in_full() -> None:
    runs = [diagnosis(f"{place}.csv", length=60) for place in range(3_000)]
    runs[1_234] = replace(runs[1_234], verdict=replace(runs[1_234].verdict, status=Status.NON_FINITE))
    html = page(*runs)
    assert data(html)[0]["title"] == "1234.csv"
    assert "3,000 runs" in html
    assert len(html) < 500_000


def test_a_run_without_a_curve_has_a_page() -> None:
    html = page(Diagnosis(Run({}, "empty.csv"), Verdict(Status.TOO_SHORT, 1.0, "Too few points."), Examination()))
    assert "Too few points." in html
    assert data(html)[0]["panels"] == []


def test_a_probe_shows_the_change_the_proof_and_the_trials() -> None:
    html = Html().proof(proof(), Page())
    text = " ".join(re.sub(r"<[^>]+>", " ", html).split())
    for part in (
        "Fix proved",
        "2 changes together take val_loss from 2.3 to 0.31.",
        "1.9 to 2.1, 3 paired seeds",
        "70 %",
        "lossdoctor train config.fixed.yaml",
    ):
        assert part in text
    (figure,) = data(html)
    assert [c["name"] for c in figure["panels"][0]["curves"]] == [
        "train_loss before",
        "val_loss before",
        "train_loss after",
        "val_loss after",
    ]
    plots = [svg["aria-label"] for svg in Elements(html).all("svg") if svg.get("role") == "img"]
    assert plots == ["gain 1.9 to 2.1", "gain -27.7, one seed"]


def test_a_probe_without_trainings_or_prescription_has_a_page() -> None:
    html = Html().proof(replace(proof(), prescription=None, run=None, trials=(), baseline=None, attribution={}), Page())
    assert "Examined, not searched: 2 findings." in html
    assert data(html) == []


def test_the_diff_of_a_config_is_nested_yaml() -> None:
    changes = {"training.optimizer.lr": 0.01, "data.standardize": True, "training.scheduler": {"name": "cosine"}}
    lines = ["".join(line) for line in yaml_diff(changes, Settings({"training": {"optimizer": {"lr": 0.1}}}))]
    assert lines == [
        " data:",
        "+  standardize: true",
        " training:",
        "   optimizer:",
        "-    lr: 0.1",
        "+    lr: 0.01",
        "+  scheduler: {name: cosine}",
    ]


def test_a_log_of_a_million_points_makes_a_small_page() -> None:
    html = page(diagnosis(length=1_000_000))
    assert len(html.encode()) < 300_000


# an attacker's log


@pytest.mark.parametrize("html", [page(diagnosis(EVIL, text=EVIL)), Html().proof(proof(text=EVIL), Page())], ids=["diagnose", "probe"])
def test_no_text_from_a_log_becomes_an_element_an_attribute_or_a_control_code(html: str) -> None:
    found = Elements(html)
    assert {tag for tag, _ in found.found} <= OURS
    assert len(found.all("script")) == 2
    for _, attributes in found.found:
        assert not any(name.startswith("on") or name in ("style", "src") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert all(char.isprintable() or char == "\n" for char in html)
    html.encode()
    assert "img src=x" in " ".join(found.text["p"]), "it is shown as text"


def test_the_policy_lets_run_only_what_the_page_came_with() -> None:
    found = Elements(page(diagnosis()))
    policy = next(meta["content"] for meta in found.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy
    for rule, tag, place in (("script-src", "script", 1), ("style-src", "style", 0)):
        digest = base64.b64encode(hashlib.sha256(found.text[tag][place].encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"


def test_the_page_loads_nothing_and_bears_the_licence_of_what_it_took() -> None:
    html = page(diagnosis())
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket|import\(", html)
    assert "Copyright (c) 2022 Leon Sorokin" in html


def test_a_text_report_does_not_load_the_template_engine(tmp_path: Path) -> None:
    log = tmp_path / "run.csv"
    log.write_text("step,loss\n" + "".join(f"{step},{1 / step}\n" for step in range(1, 60)))
    script = (
        f"import sys\nfrom lossdoctor.cli import main\nmain(['diagnose', {str(log)!r}])\nprint('jinja2' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "False"


# for every reader


def test_all_text_has_the_contrast_of_wcag_aa_in_both_schemes() -> None:
    css = (Path(__file__).parent.parent / "lossdoctor" / "reports" / "html" / "templates" / "page.css").read_text()
    pairs = re.findall(r"--([\w-]+): light-dark\(#(\w{6}), #(\w{6})\)", css)
    tokens = {name: [bytes.fromhex(colour) for colour in pair] for name, *pair in pairs}
    grounds = ("ground", "sheet", "sunken")
    pairs = [(ink, ground) for ink in ("ink", "muted", "link", "good", "warn", "bad", "unknown") for ground in grounds]
    pairs += [(tone, f"{tone}-ground") for tone in ("good", "warn", "bad", "unknown")]
    for scheme in (0, 1):
        for ink, ground in pairs:
            assert contrast(tokens[ink][scheme], tokens[ground][scheme]) >= 4.5, (ink, ground, scheme)
        for place in range(1, 9):
            assert contrast(tokens[f"c{place}"][scheme], tokens["sheet"][scheme]) >= 3, (place, scheme)  # graphics, WCAG 1.4.11


def test_a_screen_reader_finds_its_way() -> None:
    found = Elements(page(diagnosis(), diagnosis("b.csv")))
    tags = [tag for tag, _ in found.found]
    assert [tags.count(tag) for tag in ("main", "header", "footer", "h1")] == [1, 1 + 4, 1, 1]  # four are the heads of findings
    assert found.all("html")[0]["lang"] == "en"
    assert all(svg.get("aria-hidden") or svg.get("aria-label") for svg in found.all("svg"))
    assert all(head.get("scope") for head in found.all("th"))
    ids = {attributes["id"] for _, attributes in found.found if attributes.get("id")}
    labels = [attributes["aria-labelledby"] for _, attributes in found.found if attributes.get("aria-labelledby")]
    assert {each for label in labels for each in label.split()} <= ids
    assert len([a for _, a in found.found if a.get("id")]) == len(ids)


def test_a_logged_learning_rate_stands_before_the_one_to_try() -> None:
    found = diagnosis()
    assert re.search(r"<del>- +lr: 0\.1</del>", page(replace(found, run=replace(found.run, settings={}))))


# in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("there is no chromium with its chromedriver (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900", "--force-prefers-reduced-motion"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    window = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield window
    window.quit()


class Tab:
    """A page in the browser."""

    def __init__(self, browser: Any, html: str, folder: Path) -> None:
        self.browser = browser
        (folder / "report.html").write_text(html, encoding="utf-8")
        browser.get((folder / "report.html").as_uri())

    def all(self, selector: str) -> list[Any]:
        return self.browser.find_elements("css selector", selector)

    def read(self, selector: str) -> list[str]:
        return [element.text for element in self.all(selector)]

    def steps(self) -> tuple[float, float]:
        """The first and the last step that the first chart's axis names or lies between."""
        hovered = []
        for offset in (-0.495, 0.495):
            self.hover(offset)
            hovered.append(float(self.read(".where")[0].removeprefix("step ").replace(",", "")))
        return hovered[0], hovered[1]

    def hover(self, offset: float) -> None:
        self.act().move_to_element_with_offset(plot := self.all(".u-over")[0], int(offset * plot.size["width"]), 0).perform()

    def drag(self, start: float, end: float) -> None:
        plot = self.all(".u-over")[0]
        width = plot.size["width"]
        chain = self.act().move_to_element_with_offset(plot, int(start * width), 0).click_and_hold()
        chain.move_by_offset(int((end - start) * width), 0).release().perform()

    def act(self) -> Any:
        from selenium.webdriver import ActionChains

        return ActionChains(self.browser, duration=20)

    def press(self, *keys: str) -> None:
        self.act().send_keys(*keys).perform()

    def quiet(self) -> bool:
        return self.browser.get_log("browser") == []


def test_in_a_browser_values_are_read_under_the_cursor_and_zooming_narrows_all_panels(browser: Any, tmp_path: Path) -> None:
    tab = Tab(browser, page(diagnosis()), tmp_path)
    assert len(tab.all(".plot canvas")) == 3
    assert tab.read("h1") == ["Flat although lower is within reach."]
    tab.hover(0.0)
    assert tab.read(".where")[0].startswith("step 2") or tab.read(".where")[0].startswith("step 3")
    values = tab.read(".legend b")
    assert len(values) == 4
    assert all(re.fullmatch(r"-?\d[\d.e-]*", value) for value in values)
    whole = tab.steps()
    tab.drag(-0.2, 0.2)
    narrow = tab.steps()
    assert narrow[0] - whole[0] > 100
    assert whole[1] - narrow[1] > 100
    tab.act().double_click(tab.all(".u-over")[0]).perform()
    assert tab.steps() == whole
    assert tab.quiet()


def test_in_a_browser_the_keyboard_does_what_the_mouse_does(browser: Any, tmp_path: Path) -> None:
    tab = Tab(browser, page(diagnosis()), tmp_path)
    browser.execute_script("document.querySelector('.plot').focus()")
    tab.press("\ue014", "\ue014")  # arrow right
    assert tab.read(".where") == ["step 1"]
    assert "train_loss 2." in tab.all("#announcer")[0].get_attribute("textContent")
    whole = tab.steps()
    tab.press("+")
    assert tab.steps() != whole
    tab.press("0")
    assert tab.steps() == whole
    tab.press("l")
    assert tab.all("[data-do=log]")[0].get_attribute("aria-pressed") == "true"
    assert tab.quiet()


def test_in_a_browser_curves_can_be_hidden_stretches_shown_and_the_scheme_changed(browser: Any, tmp_path: Path) -> None:
    tab = Tab(browser, page(diagnosis()), tmp_path)
    tab.all(".legend button")[0].click()
    assert tab.all(".legend button")[0].get_attribute("aria-pressed") == "false"
    tab.all("button.show")[0].click()
    ground = "return getComputedStyle(document.body).backgroundColor"
    before = browser.execute_script(ground)
    tab.all("button.scheme")[0].click()
    assert browser.execute_script(ground) != before
    browser.execute_cdp_cmd("Page.printToPDF", {})
    assert tab.quiet()


def test_in_a_browser_runs_are_compared_by_any_of_their_series(browser: Any, tmp_path: Path) -> None:
    tab = Tab(browser, page(diagnosis("runs/a.csv"), diagnosis("runs/b.csv")), tmp_path)
    assert tab.read("[data-overlay] .label") == ["a.csv", "b.csv"]
    tab.all("[data-overlay] option[value=lr]")[0].click()
    assert tab.read("[data-overlay] h3") == ["lr"]
    assert len(tab.all("[data-overlay] canvas")) == 1
    assert tab.quiet()


def test_in_a_browser_a_hostile_log_does_nothing(browser: Any, tmp_path: Path) -> None:
    for html in (page(diagnosis(EVIL, text=EVIL), diagnosis(EVIL)), Html().proof(proof(text=EVIL), Page())):
        tab = Tab(browser, html, tmp_path)
        assert tab.all("img") == []
        assert tab.all(".plot canvas")
        assert "owned" not in (browser.title.split(" - ")[-1], browser.execute_script("return document.title"))
        assert tab.quiet()


@pytest.mark.parametrize("width", [375, 1280])
def test_in_a_browser_nothing_is_wider_than_the_window(browser: Any, tmp_path: Path, width: int) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
    try:
        runs = diagnosis(), diagnosis("a-very-long-name" * 9)
        compared = Html().diagnoses(runs, Page(), Context(compare([each.run for each in runs])))
        for html in (compared, Html().proof(proof(), Page())):
            Tab(browser, html, tmp_path)
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
