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


def test_the_page_names_who_lies_outside_of_the_band(tmp_path):
    """The lab of the small network fails on many paths, so a swap of 10 bp is below it; the band of the cloud is all there is."""
    path = copy_small(tmp_path)
    (path.parent / "market.csv").write_text(
        "entity,quote,value,unit,date,source,note\nlab,swap,10,bp,2025-12-01,test,\nvendor,rating,A,letter,2025-12-01,test,\n"
    )
    (path.parent / "bands.csv").write_text("entity,horizon,low,high,source\ncloud,5,0,1,test\n")
    page = write_page(path, paths=200, threads=1)
    assert "**Outside of their band: lab (above)" in page
    lab = next(line for line in page.splitlines() if line.startswith("| lab | 10 |"))
    assert [cell.strip() for cell in lab.split("|")][5:7] == ["0.15", "0.05 (0.04-0.06)"]  # 1 - exp(-0.001/0.65) in a year, and less the premium
    assert "| vendor |  | A |" in page and "| loans, long term | 74 % |" in page and "kind: gpu_loan" in page


def test_a_page_without_market_or_knobs_has_no_section_of_them(tmp_path):
    page = write_page(copy_small(tmp_path), paths=50, threads=1)
    assert "Beside swaps" not in page and "Dead knobs" not in page and "All lie in their bands." in page
