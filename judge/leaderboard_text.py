"""A leaderboard as plain text, Markdown and LaTeX."""

from collections.abc import Sequence

from judge.leaderboard import Leaderboard, Place, Table, read_figures, show_difference, show_p
from judge.report_latex import show_latex
from judge.report_text import escape_cell, make_table

PAIRED = "R_0 to the first, points"
NOT_COMPARABLE = "Runs of different groups must not be compared."
EXPLAINED = (
    "Ordered by R_0. Intervals are 95%: X_A by resampling items, X_0 after Wilson. Differences to the first are taken "
    "on the items that both have scored answers to, resampled by item; p is McNemar's exact test on the zeros. "
    "Nothing is corrected for the number of comparisons."
)


def show_board_text(board: Leaderboard) -> str:
    """Return the leaderboard as text of fixed width."""
    lines = _introduce(board)
    for table in board.tables:
        lines += [*name_table(board, table), "", *_lay_out(_head(board), _rows(board, table)), ""]
        lines += [f"  {place.run.name}: {note}" for place in table.places for note in place.notes]
        lines += [""] if any(place.notes for place in table.places) else []
    return "\n".join([*lines, *_leave_out(board), EXPLAINED])


def show_board_markdown(board: Leaderboard) -> str:
    """Return the leaderboard as Markdown."""
    lines = ["# Leaderboard", ""]
    lines += [line if not line.startswith("  ") else f"- {line.strip()}" for line in _introduce(board)]
    for table in board.tables:
        name, told = name_table(board, table)
        lines += [f"## {name}", "", escape_cell(told), "", *make_table(_head(board), _rows(board, table))]
        notes = [f"- {place.run.name}: {note}" for place in table.places for note in place.notes]
        lines += [*notes, ""] if notes else []
    return "\n".join([*lines, *_leave_out(board), EXPLAINED])


def show_board_latex(board: Leaderboard) -> str:
    """Return LaTeX tables: for each group of runs that may be compared, or one set with marks for all of them."""
    places = [place for table in board.tables for place in table.places]
    if board.across and len(board.groups) > 1:
        return show_latex([place.run.report for place in places], marks=[place.mark for place in places])
    parts = []
    for mark, group in board.groups.items():
        told = "; ".join(f"{what} {value}" for what, value in group)
        members = [place.run.report for place in places if place.mark == mark]
        parts.append(
            f"% Group {mark}: {told}\n{show_latex(members, label=f'ood-mmsafe-{mark}')}"
            if len(board.groups) > 1
            else show_latex(members)
        )
    return "\n".join(parts)


def name_table(board: Leaderboard, table: Table) -> tuple[str, str]:
    """Return what stands above a table: the mode and group; release, rubric and judges of its runs."""
    mode = table.mode.capitalize()
    if board.across and len(board.groups) > 1:
        return f"{mode}, all groups", "Release, rubric or judges differ from group to group."
    mark = table.places[0].mark
    told = dict(board.groups[mark])
    return (
        f"{mode}, group {mark}" if len(board.groups) > 1 else mode,
        f"Release {told['release']}, rubric {told['rubric']}, judged by {told['judges']}.",
    )


def _introduce(board: Leaderboard) -> list[str]:
    if not board.differences:
        return []
    how = "They stand in one table as asked, marked by group." if board.across else "Each group has its own tables."
    lines = [f"{NOT_COMPARABLE} {how} They differ in:"]
    return [*lines, "", *(f"  {line}" for line in board.differences), ""]


def _leave_out(board: Leaderboard) -> list[str]:
    return [*(f"Left out: {run}: {why}" for run, why in board.left_out), *([""] if board.left_out else [])]


def _head(board: Leaderboard) -> list[str]:
    marks = ["group"] if board.across and len(board.groups) > 1 else []
    return ["", "run", "model", *marks, "R_A", "R_0", "S_A", "S_0", "E_A", "E_0", "scored", PAIRED, "p", "pairs"]


def _rows(board: Leaderboard, table: Table) -> list[list[str]]:
    return [_row(board, place, number) for number, place in enumerate(table.places, 1)]


def _row(board: Leaderboard, place: Place, number: int) -> list[str]:
    group = place.run.report["scores"]["panel"]["all"]
    figures = [f"{value} ({ends})" if ends else value for _, _, value, ends in read_figures(place)]
    marks = [place.mark] if board.across and len(board.groups) > 1 else []
    compared = place.to_best
    apart = number > 1 and compared is None
    return [
        "" if marks else str(number),
        place.run.name,
        place.run.report["answers_config"]["model"],
        *marks,
        *figures,
        f"{group['scored']} of {group['answers']}",
        "not comparable" if apart else show_difference(compared),
        show_p(compared),
        "" if compared is None else str(compared.items),
    ]


def _lay_out(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    table = [head, *rows]
    widths = [max(len(line[place]) for line in table) for place in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
