"""What people and machines write into cells: odd numbers, texts, dates, and numbers that are near a good one."""

from random import Random

NUMBERS = (
    *(
        "0",
        "-0.0",
        "1",
        "-1",
        "2",
        "3",
        "0.5",
        "0.999999",
        "1.000001",
        "1e-300",
        "-1e-300",
        "5e-324",
        "1e6",
        "-1e6",
        "1e7",
        "1e300",
        "1e308",
        "-1e308",
        "1e400",
    ),
    *("nan", "inf", "-inf", "1000", "99999999999999999999", "0x10", "1_000", "1,5", "1.5.2", "5 %", "3%", "1e", "--1", "+2", ".5", "5.", "1 000", "1'000"),
    *("\u0661\u0662", "\u00bd", "\u2212 1", "'7", "=1+1", "#N/A", "NA", "None", "null", "true", "false", "TRUE", "-"),
)
TEXTS = (
    *("", " ", "\t", "a", "A", "nobody", "Lab", "LAB", "lab ", "la b", "l\u00e4b", "\U0001f600", "\ufeff", "\u202e", "\u0000", "\x1b[31m", "\x7f", "x" * 5000),
    *(
        "../x",
        "~",
        "~/x",
        "/",
        "/dev/null",
        ".",
        "..",
        "%s",
        "{}",
        "[]",
        "{lab}",
        "[bold]",
        "a,b",
        "a;b",
        'a"b',
        "a'b",
        "a\nb",
        "a\r\nb",
        "a\\b",
        "$HOME",
        "*",
        "#",
    ),
)
DATES = (
    *("2025", "2026-13", "2025-02-30", "1800-01-01", "9999-12-31", "0000-00-00", "0001-01-01", "31/12/2025", "12/31/2025", "2025-12-31T00:00:00", "20251231"),
    *("2027-06", "2027-06-30", "2031", "2100-01-01", "-2025-01-01", "2025-6-3", "Q3 2026", "46022", "2025-12-31"),
)


def any_value(dice: Random) -> str:
    """Draw from all pools."""
    return dice.choice(dice.choice((NUMBERS, NUMBERS, TEXTS, DATES)))


def near(text: str, dice: Random) -> str:
    """Return a number at some distance from the one that `text` is; any value where it is none."""
    try:
        number = float(text)
    except ValueError:
        return any_value(dice)
    how = dice.randrange(6)
    if how == 0:
        number *= dice.choice((-1, 0.5, 2, 10, 100, 1000, 0.001, 1e-9, 1e9))
    elif how == 1:
        number += dice.choice((-1, 1, 0.1, -0.1, 1e-9, 5))
    elif how == 2:
        number *= 2 ** dice.uniform(-20, 20)
    elif how == 3:
        number = float(round(number)) + dice.choice((0, 0.5))
    elif how == 4:
        number = dice.uniform(-1, 1) * max(abs(number), 1)
    else:
        number = dice.choice((0.0, 1.0, -number))
    return f"{number:.17g}"
