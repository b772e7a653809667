"""The page on changes: its images are those of the study's files, its parts and associations rows of the summary."""

from pathlib import Path
from urllib.parse import parse_qs

import pandas as pd
import pytest
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from core.figures.images import of_images, signed
from core.store import read_table, write_table
from core.study import open_study
from tests.pages.test_pages import errors, headline, open_page, shown, texts

pytestmark = pytest.mark.usefixtures("shared")

IG = "integrated_gradients"


def said(app: AppTest) -> list[str]:
    return [shown(text).replace("\u00a0", " ") for text in texts(app)]


def strip(app: AppTest) -> list[str]:
    """The number of every image of the strip, as it is written."""
    written = [text.split("**") for text in said(app)]
    return [each[1] for each in written if each[0] == "" and each[1][0] in "0123456789+−–"]


def values(cell: str, measure: str = "rank_alignment", study: str = "tiny", method: str = IG) -> pd.Series:
    return of_images(open_study(study).measures(cell), measure, method)


def links(app: AppTest) -> list[str]:
    return [each.proto.query_string for each in app.get("page_link") if "image" in each.proto.query_string]


def drawn(app: AppTest, number: int) -> list[pd.DataFrame]:
    chart = app.get("vega_lite_chart")[number]
    return [convert_arrow_bytes_to_pandas_df(each.data.data) for each in chart.proto.datasets]


def test_the_first_sentence_is_of_the_smallest_most_distilled_student() -> None:
    own, alone = values("resnet18-a0.1-s0"), values("resnet18-a1.0-s0")
    app = open_page("changes", study="tiny")
    assert errors(app) == []
    first = shown(headline(app))
    assert first.startswith("## By rank alignment, ResNet18 distilled at α = 0.1 agrees least with the teacher on")
    assert f"({signed(own.min())})" in first
    assert f"({signed(own.max())})" in first
    assert f"raised it on {(own > alone).sum()} of {len(own)} images" in first


def test_the_strip_is_of_images_that_open() -> None:
    study = open_study("tiny")
    kept = study.images().query("kept")["id"]
    app = open_page("changes", study="tiny")
    lowest = values("resnet18-a0.1-s0").loc[kept].sort_values()
    assert strip(app) == [signed(value) for value in lowest]
    queries = [parse_qs(query) for query in links(app)]
    assert [query["image"] for query in queries] == [[str(image)] for image in lowest.index]
    assert all(query["student"] == ["ResNet18, α = 0.1"] for query in queries)
    (opened,) = {open_page("explanations", study="tiny", image=queries[0]["image"][0]).title[0].value}
    assert opened == "Explanations"


@pytest.mark.parametrize(
    ("address", "measure", "change", "ascending"),
    [
        ({"order": "Agrees most"}, "rank_alignment", False, False),
        ({"order": "Raised most by distillation"}, "rank_alignment", True, False),
        ({"order": "Lowered most by distillation", "agree_by": "Map similarity"}, "map_similarity", True, True),
        ({"agree_by": "Logit alignment"}, "logit_alignment", False, True),
    ],
)
def test_the_address_rules_what_comes_first(
    address: dict[str, str], measure: str, change: bool, ascending: bool
) -> None:
    app = open_page("changes", study="tiny", among="All that were measured", **address)
    assert errors(app) == []
    known = values("resnet18-a0.1-s0", measure)
    if change:
        known = known - values("resnet18-a1.0-s0", measure)
        known = known[known < 0 if ascending else known > 0]
    want = known.sort_values(ascending=ascending, kind="stable").head(8)
    assert strip(app) == [signed(value, plus=change) for value in want]


def test_a_class_leaves_its_images() -> None:
    study = open_study("tiny")
    name = study.dataset.classes[0]
    app = open_page("changes", study="tiny", of_class=name, among="All that were measured")
    explained = study.images().query("explained and label == 0")["id"]
    assert len(strip(app)) == len(explained) > 1
    assert all(text.endswith(name) for text in said(app) if text.startswith("**0."))


def test_undefined_images_are_counted_and_never_zero(cache: Path) -> None:
    path = cache / "studies" / "tiny" / "measures" / "resnet18-a0.1-s0.parquet"
    table = read_table(path)
    kept = open_study("tiny").images().query("kept")["id"]
    table.loc[(table["measure"] == "rank_alignment") & (table["image"] == kept.iloc[0]), "value"] = float("nan")
    write_table(path, table)
    app = open_page("changes", study="tiny")
    assert errors(app) == []
    assert len(strip(app)) == len(kept) - 1
    assert any("on 1 of them rank alignment is undefined" in each.value for each in app.caption)
    assert any("On 1 more one of the two is undefined" in each.value for each in app.caption)
    (means,) = (each for each in drawn(app, 0) if "skipped" in each)
    assert sum(means["skipped"]) == 1


def test_all_undefined_is_a_sentence(cache: Path) -> None:
    path = cache / "studies" / "tiny" / "measures" / "resnet18-a0.1-s0.parquet"
    table = read_table(path)
    table.loc[table["measure"] == "rank_alignment", "value"] = float("nan")
    write_table(path, table)
    app = open_page("changes", study="tiny")
    assert errors(app) == []
    assert "has no image on which rank alignment is defined" in headline(app)
    assert any("undefined on all" in each.value for each in app.info)


def test_an_undistilled_student_has_nothing_that_distillation_changed() -> None:
    app = open_page("changes", study="tiny", student="ResNet18, α = 1.0", order="Raised most by distillation")
    assert errors(app) == []
    assert any("choose another one" in each.value for each in app.info)
    assert not strip(app)
    assert "distillation raised" not in headline(app)


def test_the_parts_are_rows_of_the_summary() -> None:
    app = open_page("changes", study="wide")
    (moved,) = (text for text in said(app) if text.startswith("When ResNet18 is distilled at α = 0.1, "))
    summary = open_study("wide").summary()
    parts = summary[(summary["kind"] == "part") & (summary["method"] == IG) & (summary["architecture"] == "resnet18")]
    shares = parts[parts["control"] == ""]
    by = {alpha: rows.set_index("subset")["estimate"] for alpha, rows in shares.groupby("alpha")}
    change = parts[(parts["control"] == "no distillation") & (parts["alpha"] == 0.1)].set_index("subset")
    change = change.sort_values("estimate")
    for part in (change.index[0], change.index[-1]):
        assert f"the {part} " in moved
        assert f"({100 * by[1.0][part]:.1f} % → {100 * by[0.1][part]:.1f} %, " in moved
        ends = " to ".join(f"{100 * change[end][part]:+.1f}".replace("-", "−") for end in ("low", "high"))
        assert f"95 % interval {ends}; teacher " in moved
    known = summary[summary["kind"] == "part"]
    for column, of in (("share", "estimate"), ("change", "estimate"), ("change_low", "low"), ("change_high", "high")):
        assert {value for table in drawn(app, 1) for value in table[column].dropna()} <= set(known[of]), column
    (table,) = (each.value for each in app.dataframe if "change from" in each.value)
    of_part = table.set_index("part")
    for name, of in (("change", "estimate"), ("change from", "low"), ("change to", "high")):
        assert (of_part[name] == 100 * change[of].reindex(of_part.index)).all()
    assert any("the networks of the first of 3 seeds (0)" in each.value for each in app.caption)


def test_trained_once_the_change_of_a_part_has_no_interval_and_that_is_said() -> None:
    app = open_page("changes", study="tiny")
    assert errors(app) == []
    (moved,) = (text for text in said(app) if text.startswith("When ResNet18 is distilled at α = 0.1, "))
    assert "interval" not in moved
    assert any("its changes have no interval" in each.value for each in app.caption)


def test_the_associations_are_those_of_this_student() -> None:
    app = open_page("changes", study="wide", student="ResNet34, α = 0.5")
    summary = open_study("wide").summary()
    rows = summary[(summary["kind"] == "association") & (summary["architecture"] == "resnet34")]
    rows = rows[(rows["alpha"] == 0.5) & (rows["method"] == IG) & (rows["importance"] == "density")]
    (found,) = (each.value for each in app.dataframe if "ρ" in each.value)
    assert found[["ρ", "low", "high"]].to_numpy().tolist() == rows[["estimate", "low", "high"]].to_numpy().tolist()
    assert found["held fixed"].to_list() == ["nothing", "accuracy", "nothing"]


def test_of_several_seeds_the_headline_gives_the_range() -> None:
    raised = []
    for seed in (0, 1, 2):
        change = values(f"resnet18-a0.1-s{seed}", study="wide") - values(f"resnet18-a1.0-s{seed}", study="wide")
        raised.append(int((change > 0).sum()))
    said = shown(headline(open_page("changes", study="wide", student="ResNet18, α = 0.1")))
    assert f"distillation raised it on {raised[0]} of" in said
    assert f"over the 3 seeds distillation raised it on {min(raised)} to {max(raised)} images." in said
    assert "seeds" not in headline(open_page("changes", study="tiny"))


@pytest.mark.parametrize("measure", ["Rank alignment", "Map similarity", "Logit alignment"])
def test_what_chance_would_give_stands_below_the_classes(measure: str) -> None:
    name = measure.lower().replace(" ", "_")
    summary = open_study("wide").summary()
    rows = summary[(summary["kind"] == "control") & (summary["control"] == "shuffled") & (summary["measure"] == name)]
    rows = rows[(rows["architecture"] == "resnet18") & (rows["alpha"] == 0.1) & rows["method"].isin(["", IG])]
    (chance,) = rows[rows["importance"].isin(["", "density"])]["estimate"]
    app = open_page("changes", study="wide", agree_by=measure)
    assert any(f"another class, it would be {signed(chance)}." in each.value for each in app.caption)
    app = open_page("changes", study="wide", agree_by=measure, order="Raised most by distillation")
    assert not any("another class" in each.value for each in app.caption), "chance changes nothing"


def test_what_the_sidebar_leaves_is_what_there_is_to_choose() -> None:
    app = open_page("changes", study="wide")
    app.selectbox(key="student").select("ResNet18, α = 0.5").run()
    assert "ResNet18 distilled at α = 0.5" in shown(headline(app))
    app = app.switch_page("../pages/rank.py").run().switch_page("../pages/changes.py").run()
    assert "ResNet18 distilled at α = 0.5" in shown(headline(app))
    app.sidebar.get("button_group")[1].set_value([1.0, 0.1]).run()
    assert errors(app) == []
    assert "α = 0.1" in shown(headline(app))
    assert "α = 0.5" not in shown(headline(app))


def test_the_teacher_alone_has_nobody_to_compare() -> None:
    app = open_page("changes", study="tiny", architectures="ResNet34", alphas="1.0")
    assert errors(app) == []
    assert "Choose more networks" in headline(app)


def test_patches_are_no_parts_and_images_may_be_elsewhere(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = cache / "studies" / "tiny" / "study.toml"
    settings = path.read_text().replace('dataset = "birds"', 'dataset = "folder"')
    path.write_text(settings.replace('root = ""', f'root = "{cache / "nowhere"}"'))
    monkeypatch.setattr("dashboard.gallery.classes", lambda study: ("[a](b)", "c", "d", "e"))
    app = open_page("changes", study="tiny")
    assert errors(app) == []
    assert any("mean nothing from one image to the next" in text for text in said(app))
    assert len(app.get("vega_lite_chart")) == 2
    assert not app.get("imgs")
    assert any("not on this machine" in each.value for each in app.info)
    assert len(links(app)) == 6
    assert not any("[a](b)" in text for text in texts(app)), "names of classes are never markup"


def test_an_imported_network_is_a_student_that_nothing_was_distilled_into(cache: Path) -> None:
    folder = cache / "studies" / "tiny"
    path = folder / "measures" / "resnet18-a1.0-s0.parquet"
    path.with_stem("mine").write_bytes(path.read_bytes())
    summary = pd.read_parquet(folder / "summary.parquet")
    own = summary[(summary["kind"] == "cell") & (summary["cell"] == "resnet18-a1.0-s0")]
    pd.concat([summary, own.assign(cell="mine", alpha=float("nan"), seed="")]).to_parquet(folder / "summary.parquet")
    app = open_page("changes", study="tiny", student="mine")
    assert errors(app) == []
    assert "By rank alignment, mine agrees least" in shown(headline(app))
    assert "distillation raised" not in headline(app)
    assert any("no correlation of the two for an imported network" in text for text in said(app))
    assert not any("ρ" in each.value for each in app.dataframe)


def test_an_older_summary_says_what_to_run(cache: Path) -> None:
    path = cache / "studies" / "tiny" / "summary.parquet"
    pd.read_parquet(path).query("kind not in ('part', 'association')").to_parquet(path)
    app = open_page("changes", study="tiny")
    assert errors(app) == []
    assert len([text for text in said(app) if text.endswith("with: python -m core run tiny")]) == 2
    assert len(app.get("vega_lite_chart")) == 2


def test_a_study_without_measures_of_images_says_what_to_run(cache: Path) -> None:
    path = cache / "studies" / "tiny" / "measures" / "resnet18-a0.1-s0.parquet"
    table = read_table(path)
    write_table(path, table[table["measure"] == "accuracy"])
    app = open_page("changes", study="tiny")
    assert errors(app) == []
    assert "python -m core run tiny" in shown(app.info[0].value)


@pytest.mark.parametrize("cell", ["resnet18-a0.1-s0", "resnet34-a1.0-s0"])
def test_a_missing_file_is_one_sentence(cell: str, cache: Path) -> None:
    (cache / "studies" / "tiny" / "measures" / f"{cell}.parquet").unlink()
    (found,) = errors(open_page("changes", study="tiny"))
    assert "There is no file" in found
