import pytest

from tests.fuzz.trial import KINDS, make_store, try_mutant

EACH = 25


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("kind", KINDS)
def test_mutants_are_refused_with_sentences_or_accepted_and_run(kind, store, tmp_path):
    """The first of `python -m tests.fuzz`, which tries as many as one likes."""
    found = []
    for number in range(EACH):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(try_mutant(kind, number, 0, folder, store))
    assert [verdict for verdict in found if verdict.is_fault] == []
    ends = {"refused"} if kind == "store" else {"refused", "accepted"}  # a store keeps checksums of everything that the answer reads
    assert ends <= {verdict.end for verdict in found}
