"""docs/model.md and docs/glossary.md can be cited and looked up: headings, numbers of equations, symbols, lengths of lines, words."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = next(folder for folder in Path(__file__).parents if (folder / "docs" / "model.md").is_file())
PAGE = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
LONGEST_LINE = 200
MODEL_SECTIONS = (
    {"1": "random", "2": "factors", "3": "state", "4.1": "capacity", "4.2": "earnings", "4.3": "dues", "4.4": "funding"}
    | {"4.5": "clearing", "4.6": "settlement", "4.7": "spending", "4.8": "resolution", "4.9": "valuation", "4.10": "losses"}
)  # fmt: skip
HEADING = re.compile(r"^#{2,3} ((?:\d+\.)*\d+)\.? (\w+)")
EQUATION = re.compile(r"^\((\d+(?:\.\d+)*)\)  ")
SYMBOLS = "| symbol | code name | unit | meaning |"


def sections() -> list[tuple[str, str, list[str]]]:
    """(number, first word, lines) under every numbered heading, and ("0", ..) for the conventions. Lines of code blocks are no headings."""
    found, inside = [("0", "conventions", [])], False
    for line in PAGE.splitlines():
        inside ^= line.startswith("```")
        heading = None if inside else HEADING.match(line)
        if heading:
            found.append((heading[1], heading[2].lower(), []))
        else:
            found[-1][2].append(line)
    return found


def code_lines(lines: list[str]) -> list[str]:
    """Lines of the code blocks of a section."""
    inside, kept = False, []
    for line in lines:
        if line.startswith("```"):
            inside = not inside
        elif inside:
            kept.append(line)
    return kept


def symbol_rows(lines: list[str]) -> list[list[str]]:
    """Cells of the table of symbols of a section."""
    if SYMBOLS not in lines:
        return []
    rows = []
    for line in lines[lines.index(SYMBOLS) + 2 :]:
        if not line.startswith("|"):
            return rows
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


SECTIONS = sections()
LINES = {number: lines for number, _, lines in SECTIONS}
WITH_SYMBOLS = [number for number, _, lines in SECTIONS if symbol_rows(lines)]
WITH_EQUATIONS = [number for number, _, lines in SECTIONS if any(EQUATION.match(line) for line in code_lines(lines))]


def test_no_heading_stands_twice():
    numbers = [number for number, _, _ in SECTIONS]
    assert numbers == list(dict.fromkeys(numbers))


@pytest.mark.parametrize("number", MODEL_SECTIONS)
def test_a_section_names_its_kernel_and_its_oracle(number):
    """In the line under its heading; in section 4 both files are called by the noun of the heading."""
    line, noun = LINES[number][0], MODEL_SECTIONS[number]
    files = re.fullmatch(r"Kernel: (simulate/\S+\.py(?:, simulate/\S+\.py)*) · oracle: (tests/oracle/\S+\.py)", line)
    assert files, f"section {number} begins with {line!r}"
    assert f"{noun}.py" in [path.rpartition("/")[2] for path in files[1].split(", ")]
    if number.startswith("4."):
        (heading,) = [word for found, word, _ in SECTIONS if found == number]
        assert heading == noun and files[2] == f"tests/oracle/{noun}.py"


@pytest.mark.parametrize("number", MODEL_SECTIONS)
def test_a_section_has_prose_a_table_of_symbols_and_equations(number):
    prose = LINES[number][2]
    assert prose and prose[0].isalpha() and not prose.startswith("Kernel")
    assert number in WITH_SYMBOLS
    assert number in WITH_EQUATIONS or any(other.startswith(f"{number}.") for other in WITH_EQUATIONS)


@pytest.mark.parametrize("number", WITH_EQUATIONS)
def test_equations_are_numbered_one_after_the_other(number):
    found = [match[1] for line in code_lines(LINES[number]) if (match := EQUATION.match(line))]
    assert found == [f"{number}.{k}" for k in range(1, len(found) + 1)]


def test_every_equation_that_is_cited_stands_on_the_page():
    known = {match[1] for lines in LINES.values() for line in code_lines(lines) if (match := EQUATION.match(line))}
    assert len(known) > 150
    for text in (PAGE, GLOSSARY):
        cited = {number for number in re.findall(r"\((\d(?:\.\d+)+)\)", text)} - set(LINES)
        assert cited <= known, sorted(cited - known)


@pytest.mark.parametrize("number", WITH_SYMBOLS)
def test_no_symbol_stands_twice_in_a_table(number):
    count = Counter(symbol for row in symbol_rows(LINES[number]) for symbol in row[0].split(", "))
    assert max(count.values()) == 1, [symbol for symbol, times in count.items() if times > 1]


def test_no_symbol_has_two_meanings_on_the_page():
    """What stands in a second table must stand there as in the first."""
    first: dict[str, list[str]] = {}
    for number in WITH_SYMBOLS:
        for row in symbol_rows(LINES[number]):
            for symbol in row[0].split(", "):
                assert first.setdefault(symbol, row) == row, f"{symbol} in section {number} is not what it was before"


@pytest.mark.parametrize("number", WITH_SYMBOLS)
def test_a_row_of_a_table_of_symbols_is_complete_and_used(number):
    """Symbol and meaning are given, and the symbol stands on the page outside of tables."""
    used = "\n".join(line for lines in LINES.values() for line in lines if not line.startswith("|"))
    for row in symbol_rows(LINES[number]):
        assert len(row) == 4 and row[0] and row[3], row
        for symbol in row[0].split(", "):
            stem = re.sub(r"\(.*\)$", "", symbol)
            assert re.search(rf"(?<![^\W_]){re.escape(stem)}(?![\w°])", used), f"{symbol} of section {number} is used nowhere"


def test_a_symbol_with_an_index_is_explained():
    """What carries an index in a code block stands in a table of symbols, or is a name of the code with an index."""
    symbols = {symbol for number in WITH_SYMBOLS for row in symbol_rows(LINES[number]) for symbol in row[0].split(", ")}
    names = {name for number in WITH_SYMBOLS for row in symbol_rows(LINES[number]) for name in re.findall(r"`(\w+)`", row[1])}
    for number in WITH_EQUATIONS:
        for token in re.findall(r"(?<![\w°])[^\W\dΣ]\w*[°−]?_[ijlhoγ]+(?![\w])", "\n".join(code_lines(LINES[number]))):
            stem, _, index = token.rpartition("_")
            like = {f"{stem}_{other}" for other in "ijlhoγ"}
            assert like & symbols or stem in symbols or stem in names, f"{token} in section {number} is explained nowhere"


def test_no_line_is_too_long_to_read():
    """Outside of tables and code blocks, and of what a command writes (section 6)."""
    by_hand = PAGE[: PAGE.index("<!-- parameters:")] + PAGE[PAGE.index("<!-- end of parameters -->") :]
    by_hand = re.sub(r"^```.*?^```$", "", by_hand, flags=re.DOTALL | re.MULTILINE)
    for line in (*by_hand.splitlines(), *GLOSSARY.splitlines()):
        assert line.startswith("|") or len(line) <= LONGEST_LINE, line


def glossary_rows() -> list[tuple[str, str]]:
    cells = [line.strip("|").split("|") for line in GLOSSARY.splitlines() if line.startswith("| ")][1:]
    return [(word.strip(), text.strip()) for word, text in cells]


def test_the_glossary_has_its_words_in_order_and_once():
    words = [word for word, _ in glossary_rows()]
    assert len(words) >= 25 and words == sorted(set(words))


def texts_of_the_project() -> str:
    """All docs but the glossary, all code of the library, in lower case with single spaces; _ and - count as a space."""
    pages = [path for path in (ROOT / "docs").glob("*.md") if path.name != "glossary.md"]
    files = [ROOT / "README.md", *pages, *(ROOT / "simulate").rglob("*.py")]
    return re.sub(r"[\s_-]+", " ", " ".join(path.read_text(encoding="utf-8") for path in files).lower())


def test_every_word_of_the_glossary_is_a_word_of_the_project():
    text = texts_of_the_project()
    for word, meaning in glossary_rows():
        assert re.search(rf"\b{re.escape(word.replace('-', ' '))}", text), word
        assert len(meaning) > 40 and meaning.endswith("."), word


def test_pages_link_the_glossary():
    assert "(docs/glossary.md)" in (ROOT / "README.md").read_text(encoding="utf-8") and "(glossary.md)" in PAGE
