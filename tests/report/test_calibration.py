from simulate.report.calibration import write_page
from tests.makers.small import change, copy_small


def test_a_page_of_three_years_speaks_of_three_years(tmp_path):
    """Columns of 5 and 7 years would repeat the third one under other names."""
    path = copy_small(tmp_path)
    change(path, "small.toml", "steps = 20", "steps = 12")
    page = write_page(path, paths=50, threads=1)
    assert f"Made by `simulate calibrate {path} --paths 50 --seed 7`" in page
    assert "| % of paths | 3 years (95 % interval) | band |" in page
    assert "7 years" not in page and "CoreWeave" not in page
