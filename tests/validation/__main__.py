"""Rebuilds docs/validation.md. Exit code 1 when a claim is refused: the page is written all the same and says which."""

import sys

from .claims import PAGE, gather, refuse_false, write_page


def rebuild() -> None:
    """Write the page; SystemExit with the claims that are refused."""
    parts = gather()
    PAGE.write_text(write_page(parts), encoding="utf-8")
    print(f"{PAGE.name}: {sum(len(part.findings) for part in parts)} claims in {len(parts)} parts")
    try:
        refuse_false(one for part in parts for one in part.findings)
    except AssertionError as refused:
        sys.exit(str(refused))


if __name__ == "__main__":
    rebuild()
