from deploy import connect, settings_for
from deploy.operations import demo


def test_demo_shows_every_sample(own_folder, tmp_path, capsys):
    cloud = connect("local", say=lambda line: None)
    sheet = tmp_path / "sheet.html"
    results = demo.run(cloud, settings_for(cloud), sheet=sheet)
    outcomes = {result.file.name: result.run.outcome for result in results}
    assert outcomes.pop("not-an-image.jpg") == "rejected"
    assert set(outcomes.values()) == {"made"} and len(outcomes) >= 7

    table, page = capsys.readouterr().out, sheet.read_text("utf-8")
    for result in results:
        assert result.file.name in table and result.file.name in page
    assert "rejected: not a JPEG or PNG" in table
    assert [result.run.cold for result in results] == [True] + [False] * len(outcomes)
    assert "http://" not in page.replace(cloud.endpoint, "")  # it stands alone
    for result in results:  # times come from the log
        assert result.upload_ms >= result.run.ms > 0
        assert result.run.duration_ms >= result.run.ms
