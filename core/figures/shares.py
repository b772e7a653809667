"""Which parts gained and lost a network's looking when it was distilled."""

from collections.abc import Hashable
from typing import Any

import altair as alt
import pandas as pd

from core.figures.charts import HEIGHT
from core.figures.encoding import (
    QUIET,
    Spec,
    axis,
    colour,
    finish,
    label,
    leads,
    reference_legend,
    shape,
    trained,
    written,
)
from core.findings.wording import between, signed

TOLD, UNTOLD = "a clear change", "may be chance"


def moves(shares: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Return one row a part, in the teacher's order: part, teacher, alone, distilled, change, low, high.

    The change is paired by seed; it has no interval (NaN) in a study of one seed, or summarised before it came in.

    Parameters
    ----------
    shares : DataFrame
        `core.figures.tables.part_shares` of one architecture at α = 1.0 and the one given.
    alpha : float
        Of the distilled student.

    Returns
    -------
    DataFrame
        Without rows where there is no such student with and without distillation.
    """
    pupils = shares[shares["role"] == "student"]
    found = {
        "teacher": shares[shares["role"] == "teacher"],
        "alone": pupils[pupils["alpha"] == 1],
        "distilled": pupils[pupils["alpha"] == alpha],
    }
    table = pd.DataFrame({name: rows.set_index("part")["share"] for name, rows in found.items()}).dropna()
    paired = found["distilled"].set_index("part")[["change", "change_low", "change_high"]].reindex(table.index)
    table = table.join(paired.set_axis(["change", "low", "high"], axis=1))
    table["change"] = table["change"].fillna(table["distilled"] - table["alone"])
    return table.rename_axis("part").sort_values("teacher", ascending=False, kind="stable").reset_index()


def sentence(table: pd.DataFrame, who: str, how: str) -> str:
    """Say of `moves` which parts gained and lost most, and on how many the share came nearer the teacher's.

    `how` completes "When `who` is distilled at": "α = 0.1, λ = 1".
    """
    ordered = table.sort_values("change").to_dict("records")
    said = []
    for part, did, sign in ((ordered[-1], "gained", 1), (ordered[0], "lost", -1)):
        if sign * part["change"] > 0:
            own = f"{_percent(part['alone'])} → {_percent(part['distilled'])}"
            about = "" if pd.isna(part["low"]) else f", {_change(part)}"
            said.append(f"the {part['part']} {did} most ({own}{about}; teacher {_percent(part['teacher'])})")
    nearer = (table["distilled"] - table["teacher"]).abs() < (table["alone"] - table["teacher"]).abs()
    return (
        f"When {who} is distilled at {how}, {' and '.join(said) or 'no part gains or loses'}; on "
        f"{int(nearer.sum())} of {len(table)} parts its share comes nearer the teacher's."
    )


def _change(part: dict[Hashable, Any]) -> str:
    ends = between(100 * part["low"], 100 * part["high"], 1)
    return f"{signed(100 * part['change'], 1)} points, 95 % interval {ends}"


def _percent(value: float) -> str:
    return written(value, ".1%").replace("%", " %")


def slopes(shares: pd.DataFrame, alpha: float, alphas: list[float], theme: str = "light") -> Spec:
    """Draw each part's share without and with distillation, and the teacher's as a bar.

    A line joins the two: whole where the interval of their difference leaves out 0, dashed where it holds 0 or there
    is none.

    Parameters
    ----------
    shares : DataFrame
        As `moves`; its intervals are drawn too.
    alpha : float
        Of the distilled student.
    alphas : list of float
        All α of the study, for their colours.
    """
    moved = moves(shares, alpha).set_index("part")
    order = list(moved.index)
    rows = shares.assign(
        α=shares["alpha"].map(label),
        who=shares["alpha"].map(trained).where(shares["role"] != "teacher", "the teacher"),
    )
    teacher = rows[(rows["role"] == "teacher") & rows["part"].isin(order)]
    pupils = rows[(rows["role"] == "student") & rows["alpha"].isin([1.0, alpha]) & rows["part"].isin(order)]
    told = (moved["low"] > 0) | (moved["high"] < 0)
    pupils = pupils.assign(told=pupils["part"].map(told.map({True: TOLD, False: UNTOLD})))
    sides = [label(1.0), label(alpha)]
    x = alt.X("part:N", sort=order, title=None, axis=alt.Axis(labelAngle=-45, labelLimit=110, labelOverlap=False))
    beside = alt.XOffset("α:N", sort=sides, scale=alt.Scale(domain=sides, paddingOuter=0.4))
    y = alt.Y("share:Q", title="Share of all the network's looking", axis=axis(".1%"), scale=alt.Scale(zero=True))
    tooltip = [
        alt.Tooltip("part:N", title="Part"),
        alt.Tooltip("who:N", title="Trained"),
        alt.Tooltip("share:Q", title="Share, on average", format=".1%"),
        alt.Tooltip("low:Q", title="95 % interval from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
        alt.Tooltip("change:Q", title="Change from α = 1.0", format="+.1%"),
        alt.Tooltip("change_low:Q", title="95 % interval of the change from", format="+.1%"),
        alt.Tooltip("change_high:Q", title="to", format="+.1%"),
    ]
    whose = alt.Fill("who:N", scale=alt.Scale(range=[QUIET[theme]]), legend=reference_legend("square", QUIET[theme]))
    dashes = alt.StrokeDash(
        "told:N",
        scale=alt.Scale(domain=[TOLD, UNTOLD], range=[[1, 0], [3, 3]]),
        legend=reference_legend("stroke", QUIET[theme]),
    )
    hue, base = colour(alphas, theme), alt.Chart(pupils).encode(**leads(shares))
    layers = [
        alt.Chart(teacher)
        .mark_bar(width={"band": 0.9}, opacity=0.3)
        .encode(x=x, y=y, fill=whose, tooltip=tooltip, **leads(shares)),
        base.mark_line(strokeWidth=2, color=QUIET[theme]).encode(
            x=x, xOffset=beside, y=y, detail="part:N", strokeDash=dashes
        ),
        base.mark_rule(strokeWidth=2).encode(x=x, xOffset=beside, y="low:Q", y2="high:Q", color=hue),
        base.mark_point(filled=True, size=70, opacity=1).encode(
            x=x, xOffset=beside, y=y, color=hue, shape=shape(alphas), tooltip=tooltip
        ),
    ]
    return finish(alt.layer(*layers), HEIGHT + 80, theme)  # the names of the parts are long
