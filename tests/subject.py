"""Refuses a commit whose subject is longer than 72 characters: `python -m tests.subject FILE` for a message, without a file for the last commits."""

import subprocess
import sys
from pathlib import Path

MOST = 72
LAST = 20


def too_long(subjects: list[str]) -> list[str]:
    """Subjects that are too long, with their length."""
    return [f"{len(subject)} characters: {subject}" for subject in subjects if len(subject) > MOST]


def main() -> int:
    """The exit code; merges are left alone."""
    if len(sys.argv) > 1:
        subjects = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()[:1]
    else:
        subjects = subprocess.run(["git", "log", f"-{LAST}", "--no-merges", "--format=%s"], capture_output=True, text=True, check=True).stdout.splitlines()
    found = too_long(subjects)
    print("\n".join(f"commit subject of {one}; at most {MOST}" for one in found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
