"""Print how movies are received, what tables hold, and how analysers read, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from filmpulse.items import ASPECTS, Review
from filmpulse.jobs import CATALOGUE_CREDIT
from filmpulse.jobs.inbox.import_tables import TableRead
from filmpulse.jobs.reception.score import Unfinished, about_usd
from filmpulse.jobs.reception.summarise import count
from filmpulse.jobs.upkeep.evaluate import Evaluated
from filmpulse.jobs.upkeep.evaluate_warehouse import WarehouseReport
from filmpulse.warehouse.audits import AuditFigures, GradeFigures, JudgedAnalyser
from filmpulse.warehouse.reception import AspectSummary, MovieSummary


def print_summary(summary: MovieSummary, console: Console) -> None:
    """Print facts, count and coverage, grade and trend, and each aspect with typical quotes."""
    m = summary.movie
    year = f" ({m['year']})" if m["year"] else ""
    console.print()
    console.print(f"[bold]{escape(m['title'])}[/]{year}  [dim]{m['imdb_id']}[/]")
    for fact in _facts(m):
        console.print(f"  [dim]{escape(fact)}[/]")
    console.print(f"  {_counts(summary)}")
    for line in _grade(summary):
        console.print(f"  {line}")
    if m["collection_status"] not in (None, "complete"):
        said = f": {escape(m['collection_sentence'])}" if m["collection_sentence"] else ""
        console.print(f"  [yellow]last collection {m['collection_status']}[/]{said}")
    if m["awaited_sentence"]:
        console.print(
            f"  [yellow]configured analyser not shown[/]: {escape(m['awaited_sentence'])}"
        )
    for fault in summary.faults:
        console.print(f"  [yellow]not as it should be[/]: {escape(fault)}")
    if m["scored_reviews"]:
        console.print(_aspects(summary.aspects))
    if m["catalogue_facts"]:
        console.print(f"  [dim]{CATALOGUE_CREDIT}[/]")


_MOST_NAMES = 3  # of each role in a summary


def _facts(m: Mapping[str, Any]) -> list[str]:
    """Return what the movie is, and who made it, a line each; nothing that is not known."""
    minutes = f"{m['runtime_minutes']} min" if m["runtime_minutes"] else ""
    lines = [" · ".join(filter(None, [", ".join(m["genres"]), minutes]))]
    for role, names in (
        ("directed by", m["directors"]), ("written by", m["writers"]), ("with", m["cast_names"]),
    ):  # fmt: skip
        others = " and others" if len(names) > _MOST_NAMES else ""
        lines.append(f"{role} {', '.join(names[:_MOST_NAMES])}{others}" if names else "")
    return [line for line in lines if line]


def print_backlog(movies: Sequence[Unfinished], console: Console) -> None:
    """Print how many reviews of each movie are to be scored, and about what that costs."""
    table = Table(box=None, padding=(0, 1), show_edge=False)
    for name in ("movie", "title", "reviews", "cost", ""):
        table.add_column(name, justify="right" if name in ("reviews", "cost") else "left")
    for movie in movies:
        asks = "asks first" if movie.needs_approval else ""
        table.add_row(
            movie.imdb_id, escape(movie.title), f"{movie.texts:,}", movie.about(movie.texts), asks
        )
    console.print(table)
    texts = sum(movie.texts for movie in movies)
    usd = sum(movie.usd or 0 for movie in movies)
    console.print(f"{count(texts, 'review')} of {count(len(movies), 'movie')}: {about_usd(usd)}.")


def print_table_read(read: TableRead, console: Console, *, is_trial: bool) -> None:
    """Print how many rows of a file can be used, and why others cannot; in a trial the first."""
    if is_trial and read.first:
        rows = [_cells(review) for review in read.first]
        table = Table(box=None, padding=(0, 1), show_edge=False, expand=True)
        for column in zip(("movie", "id", "day", "stars", "spoiler"), *rows, strict=False):
            width = max(map(len, column))
            table.add_column(column[0], no_wrap=True, min_width=min(width, 20))
        for name, ratio in (("title", 1), ("text", 2)):
            table.add_column(name, overflow="ellipsis", no_wrap=True, ratio=ratio)
        for cells in rows:
            table.add_row(*map(escape, cells))
        console.print(table)
    again = f", {read.repeated:,} say what another row says" if read.repeated else ""
    console.print(
        f"{count(read.rows, 'row')}: {count(read.reviews, 'review')}{again}, "
        f"{read.refused:,} refused."
    )
    print_faults(read, console)


def _cells(review: Review) -> list[str]:
    """Return a review as a row of the trial's table."""
    return [
        review.imdb_id,
        review.review_id,
        str(review.submitted_on or ""),
        str(review.rating_1_10 or ""),
        "yes" if review.is_spoiler else "",
        " ".join(review.title.split()),
        " ".join(review.body[:500].split()),
    ]


def print_faults(read: TableRead, console: Console) -> None:
    """Print why rows of a file are refused and fields left empty, with the first row numbers."""
    for groups, said in (
        (read.groups, "[red]{}[/]: {} refused"),
        (read.unread, "[yellow]{}[/]: left empty in {}"),
    ):
        for group in sorted(groups.values(), key=lambda group: -group.count):
            numbers = ", ".join(f"{n:,}" for n in group.numbers)
            more = ", ..." if group.count > len(group.numbers) else ""
            what = said.format(escape(group.kind), count(group.count, "row"))
            console.print(
                f"  {what} ({numbers}{more}). Row {group.numbers[0]:,}: {escape(group.sentence)}."
            )


def _counts(summary: MovieSummary) -> str:
    m = summary.movie
    if m["reviews"] is None:
        return "not counted yet: `filmpulse setup` counts its reviews"
    known = f"{m['known_reviews']:,}" if m["known_reviews"] is not None else "?"
    sources = f", from {', '.join(m['sources'])}" if len(m["sources"]) > 1 else ""
    coverage = _percent(float(m["coverage"])) if m["coverage"] is not None else "unknown"
    waits = f", {m['waiting_reviews']:,} to be read" if m["waiting_reviews"] else ""
    rating = f" · site rating {m['site_rating']}" if m["site_rating"] is not None else ""
    return (
        f"{m['reviews']:,} of {known} reviews (coverage {coverage}{sources}) · "
        f"{m['scored_reviews']:,} scored by {_analyser(m['analyser_kind'], m['analyser_model'])}"
        f"{waits}{rating}"
    )


def _analyser(kind: str | None, model: str | None) -> str:
    """Name the analyser that scored: `llm gpt-6-luna`, or the keyless one."""
    if kind is None:
        return "nobody yet"
    return f"{kind} {escape(model)}" if model else f"the keyless {kind}"


def _percent(share: float) -> str:
    """Round to whole percents, but write a share below 10 % with one decimal place."""
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"


def _grade(summary: MovieSummary) -> list[str]:
    """Return the grade's line and, where there is a grade, the trend's."""
    m, trend = summary.movie, summary.trend
    if m["mean_overall"] is None:
        return ["[dim]no scores yet[/]"]
    mean = f"{m['mean_overall']:+.2f}"
    if m["half_interval"] is not None:
        mean += f" ± {m['half_interval']:.2f}"
    figure = f"{mean} on -2..2, n {m['scored_reviews']:,}"
    if not m["is_enough"]:
        return [f"[dim]too few to grade: {figure}[/]"]
    grade = f"[bold]{summary.grade}[/] ({figure})"
    if trend.difference is None:
        return [grade, f"[dim]trend: {trend.trend} (n {trend.recent_n} and {trend.earlier_n})[/]"]
    return [
        grade,
        f"trend: [bold]{trend.trend}[/] ({trend.difference:+.2f} ± {trend.half_interval:.2f}: "
        f"n {trend.recent_n} since {trend.since} against n {trend.earlier_n} before)",
    ]


def _aspects(aspects: list[AspectSummary]) -> Table:
    table = Table(box=None, padding=(0, 1), show_edge=False)
    table.add_column("aspect", style="bold", no_wrap=True)
    for name in ("mentioned by", "n"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("mean and 95 %", no_wrap=True)
    table.add_column("said of it", overflow="fold", ratio=1)
    for a in aspects:
        style = "" if a.is_enough else "dim"
        quotes = [f"[green]+[/] {escape(a.praise)}"] if a.praise else []
        quotes += [f"[red]-[/] {escape(a.fault)}"] if a.fault else []
        share = f"{a.share_mentioned:.0%}" if a.share_mentioned is not None else ""
        table.add_row(a.aspect, share, f"{a.mentions:,}", _mean(a), "\n".join(quotes), style=style)
    return table


def _mean(aspect: AspectSummary) -> str:
    if aspect.mean_score is None:
        return "not mentioned"
    text = f"{aspect.mean_score:+.2f}"
    if aspect.score_low is not None and aspect.score_high is not None:
        text += f" [{aspect.score_low:+.2f}, {aspect.score_high:+.2f}]"
    return escape(text) + ("" if aspect.is_enough else " too few")


def print_evaluation(found: Mapping[str, Evaluated], console: Console) -> None:
    """Print the figures of an analyser, or of several side by side; then what each took."""
    if len(found) > 1:
        _print_comparison(found, console)
    else:
        for one in found.values():
            _print_one(one, console)
    for name, one in found.items():
        console.print(escape(_outcome(name, one)))
        unsupported = one.report.statuses.get("unsupported_language", 0)
        if unsupported > one.report.reviews / 2:
            console.print(
                f"[yellow]{unsupported:,} of {one.report.reviews:,} reviews are in a language that "
                f"{escape(name)} does not read, as the file says or as was detected.[/]"
            )


_COLUMNS = {
    "reviews": "n",
    "found": "recall",
    "rightly": "precision",
    "F1": "f1",
    "sign right": "sign_agreement",
    "balanced": "balanced_accuracy",
    "off by": "mae",
    "kappa": "kappa",
}
"""Headings, and the figures below them; `_LEGEND` says what they are."""

_LEGEND = """\
reviews: how many are labelled with the aspect; -: too few cases
found: the share of these in which the analyser sees the aspect
rightly: the share that is labelled, of the reviews in which the analyser sees the aspect
F1: of found and rightly
sign right: praise is called praise, and blame blame
balanced: the same, where labels against the review's grade weigh as much as those with it
off by, kappa: of the scores from -2 to 2"""
_COMPARED = ("F1", "sign right", "balanced", "kappa")


def _table_of(first: Iterable[str], others: Iterable[str]) -> Table:
    """Return a table of words and figures; where there is little room, the words wrap."""
    table = Table(box=None, padding=(0, 1), show_edge=False, pad_edge=False)
    for name in first:
        table.add_column(name, overflow="fold")
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"


def _print_one(one: Evaluated, console: Console) -> None:
    """Print how each aspect is read, all together, and the whole."""
    table = _table_of([""], _COLUMNS)
    aspects = one.report.aspects.items()
    for name, figures in [*aspects, ("all aspects", one.report.pooled)]:
        table.add_row(name, *(_figure(getattr(figures, of)) for of in _COLUMNS.values()))
    console.print(table)
    whole = one.report.overall
    console.print(
        f"overall: rank correlation {_figure(whole.spearman)}, {_figure(whole.mae)} steps off, "
        f"in {whole.n:,} reviews"
    )
    console.print(f"[dim]{_LEGEND}[/]")


def _print_comparison(found: Mapping[str, Evaluated], console: Console) -> None:
    """Print the figures of several analysers side by side, each with its 95 % interval."""
    table = _table_of(["", ""], found)
    rows = [
        (label, name, f"{place}.{_COLUMNS[name]}")
        for label, place in [
            *((aspect, f"aspects.{aspect}") for aspect in ASPECTS), ("all aspects", "pooled")
        ]
        for name in _COMPARED
    ] + [
        ("overall", "rank correlation", "overall.spearman"), ("overall", "steps off", "overall.mae")
    ]  # fmt: skip
    for label, name, path in rows:
        table.add_row(label, name, *(_with_interval(one, path) for one in found.values()))
    console.print(table)
    console.print("[dim]In brackets: the 95 % interval, by drawing the reviews anew.[/]")
    console.print(f"[dim]{_LEGEND}[/]")


def _with_interval(one: Evaluated, path: str) -> str:
    figure: Any = one.report
    for part in path.split("."):
        figure = figure[part] if isinstance(figure, dict) else getattr(figure, part)
    interval = one.report.intervals[path]
    between = f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
    return f"{_figure(figure)}{between}"


def _outcome(name: str, one: Evaluated) -> str:
    """Say who read, how that ended, and what it took."""
    report = one.report
    who = ", ".join(filter(None, [one.analyser["model"], one.analyser["version"]]))
    ended = ", ".join(f"{n:,} {status.replace('_', ' ')}" for status, n in report.statuses.items())
    quotes = report.quotes
    letter = "no" if quotes.verified is None else f"{quotes.verified:.0%} of {quotes.n:,}"
    speed = report.reviews_per_second
    return (
        f"{name} ({who}): {ended}; {letter} quotes to the letter; "
        f"{report.seconds:.1f} s{'' if speed is None else f', {speed:,.0f} reviews a second'}; "
        f"${report.cost_usd:,.4f}."
    )


def print_warehouse(report: WarehouseReport, console: Console) -> None:
    """Print how far analysers go with grades, and with people's labels."""
    if not report.analysers:
        console.print("No review has a score yet: `filmpulse analyse`.")
        return
    table = _table_of(["analyser"], ["movies", *_GRADES])
    for one in report.analysers:
        table.add_row(_name_of(one.analyser), f"{one.analyser.movies:,}", *_grades(one.grades))
    console.print(table)
    for one in report.analysers:
        console.print(f"{_name_of(one.analyser)}: {one.analyser.audit}")
    for one in report.analysers:
        if one.movies:
            by_movie = _table_of(["movie"], _GRADES)
            for of in one.movies:
                by_movie.add_row(escape(of.movie), *_grades(of))
            console.print(f"\n[bold]{_name_of(one.analyser)}[/]")
            console.print(by_movie)
    console.print(f"[dim]{_GRADES_LEGEND}[/]")
    audits = [row for one in report.analysers for row in one.audits] + report.people
    if audits:
        print_audits(audits, console)


_GRADES = ("graded", "rank corr.", "contradicting")
_GRADES_LEGEND = """\
movies: how many are shown under the analyser
graded: current reviews with a grade and an overall score
rank corr.: whether a better grade goes with a better overall score, -1 to 1 (Spearman)
contradicting: good grade and bad score or the other way round; grades 5 and 6 and score 0 left out
-: fewer than 30 reviews"""
_AUDITS = {
    "texts": "reviews",
    "F1": "f1",
    "sign right": "sign_agreement",
    "same score": "exact_agreement",
    "kappa": "kappa",
    "both": "compared",
}
_AUDIT_LEGEND = """\
texts: read by both; both: how many of them both find the aspect in
F1: whether both find the aspect in the same texts
sign right: praise is called praise, and blame blame
same score, kappa: of the scores from -2 to 2"""


def print_audits(rows: Iterable[AuditFigures], console: Console) -> None:
    """Print how far pairs of judges agree, by aspect: a table per analyser, and one of people.

    Args:
        rows: Those of an analyser stand together, and in them those of a pair of judges.
        console: Where to.
    """
    for _, of_judge in groupby(rows, key=lambda row: row.analyser_id):
        found = list(of_judge)
        table = _table_of(["by", "aspect"], _AUDITS)
        for by, of_pair in groupby(found, key=_auditors):
            for at, row in enumerate(of_pair):
                figures = (_figure(getattr(row, name)) for name in _AUDITS.values())
                table.add_row("" if at else escape(by), row.aspect, *figures)
        judged = " ".join(filter(None, (found[0].judge, found[0].analyser_version)))
        console.print(f"\n[bold]{escape(judged)}[/]")
        console.print(table)
    console.print(f"[dim]{_AUDIT_LEGEND}[/]")


def _auditors(row: AuditFigures) -> str:
    """Name the people of a row: whose labels count as right, and who is held against them."""
    if row.analyser_id is not None:
        return row.auditor or "all auditors"
    return " and ".join(filter(None, (row.auditor, row.other_auditor))) or "all pairs"


def _name_of(analyser: JudgedAnalyser) -> str:
    return escape(f"{analyser.analyser} {analyser.prompt_version}")


def _grades(row: GradeFigures | None) -> Sequence[str]:
    if row is None:
        return ("0", "-", "-")
    share = row.contradicting_share
    return (
        f"{row.rated_reviews:,}",
        _figure(row.spearman),
        "-" if share is None else f"{share:.1%} of {row.decided_reviews:,}",
    )
