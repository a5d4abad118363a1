"""TEACHING.md: every command exists, every link leads somewhere, minutes add up."""

from __future__ import annotations

import json
import os
import re
import shlex

import pytest
from support.course import cells, of_step, prose, sources
from support.moto_cloud import here
from support.programs import python
from workbook import SAMPLES
from workbook.__main__ import main
from workbook.classroom import collect
from workbook.copies import STORED

from deploy.steps import buckets

TEXT = (STORED / "TEACHING.md").read_text("utf-8")
COMMANDS = sorted(set(re.findall(r"thumbnail-workbook ([a-z][^`\n]*)", TEXT)))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_exists_with_its_options(command, capsys):
    words = shlex.split(command)
    with pytest.raises(SystemExit) as done:
        main([*words, "--help"])
    assert done.value.code == 0
    said = capsys.readouterr().out
    assert all(word in said for word in words if word.startswith("--"))


ON_AWS = [command for command in COMMANDS if "--cloud aws" in command]
UPLOAD = """
from pathlib import Path
from deploy import connect, up
cloud = connect(say=lambda line: None)
settings = up(cloud, say=lambda line: None).settings
photo = Path({picture!r}).read_bytes()
cloud.s3.put_object(Bucket=settings.source_bucket, Key="photo.jpg", Body=photo)
"""


@pytest.mark.parametrize("command", ON_AWS)
def test_every_command_on_aws_runs_as_written(command, cloud, capsys, monkeypatch):
    buckets.create(cloud, here(cloud, name="ws-anna"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: "y")
    assert main(shlex.split(command)) == 0
    assert "ws-anna" in capsys.readouterr().out


@pytest.mark.slow
def test_every_other_command_runs_as_written(own_folder, tmp_path):
    """But `lab` and `wall`, which serve until they are stopped and have their tests."""
    (tmp_path / "scores").mkdir()
    score = {"steps": {"2": {"notebook": "02_buckets", "best": 1, "total": 10}}}
    (tmp_path / "scores" / "anna.json").write_text(json.dumps(score))

    def run(*arguments):
        known = os.environ | {"WORKBOOK_NAME": "ws-anna"}
        if "copies" in arguments:  # not the developer's own
            known["WORKBOOK_HOME"] = str(tmp_path / "home")
        done = python(*arguments, cwd=tmp_path, env=known)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)

    others = [each for each in COMMANDS if each not in ON_AWS]
    others = [each for each in others if each.split()[0] not in ("lab", "wall")]
    last = ("down", "local reset", "local stop")
    run("-c", UPLOAD.format(picture=str(SAMPLES / "mountain-lake.jpg")))
    for command in sorted(others, key=lambda command: command in last):
        run("-m", "workbook", *shlex.split(command))


def test_it_has_the_commands_of_a_class():
    verbs = {line.split()[1] for line in COMMANDS if line.startswith("class ")}
    assert verbs == {"report", "sweep", "collect", "edition"}


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\((?![a-z]+:|#)([^)#]+)\)", TEXT)
    assert links and all((STORED / link).exists() for link in links)


def minutes(step):
    """The minutes that a notebook's opening tells."""
    opening = cells(of_step(int(step)))[0].source
    return int(re.search(r"\*\*Time:\*\* (\d+) minutes", opening)[1])


def test_the_minutes_are_the_notebooks():
    told = re.findall(r"^\| \d+–\d+ \| (\d\d) [a-z- ]+ ?[a-z ]*\((\d+)\)", TEXT, re.M)
    assert len(told) >= 7
    assert all(minutes(step) == int(said) for step, said in told)
    days = re.findall(r"^\| \w+ \| (\d\d(?:, \d\d)+) \| (\d+) \|", TEXT, re.M)
    assert len(days) == 4
    for steps, said in days:
        assert sum(map(minutes, steps.split(", "))) == int(said)


def estimated(path, machine_s):
    """The minutes by the page's rule: words, lines of code, predictions, exercises."""
    text, code = prose(path), "\n".join(sources(path, "code"))
    seconds = len(re.sub(r"\]\([^)]*\)|<[^>]+>", " ", text).split()) * 60 / 200
    seconds += 5 * sum(bool(line.strip()) for line in code.splitlines())
    seconds += 20 * len(re.findall(r"\*\*predict", text, re.I))
    seconds += 300 * code.count('exercise("')
    seconds += 120 * 10 * path.name.startswith("08_")
    return (seconds + machine_s) / 60


def test_the_minutes_follow_the_pages_rule():
    (times,) = re.findall(r"^\|(?: \d+ s \|)+$", TEXT, re.M)
    paths = sorted(STORED.glob("[01][0-9]_*.ipynb"))
    for path, machine in zip(paths, re.findall(r"\d+", times), strict=True):
        assert abs(minutes(path.name[:2]) - estimated(path, int(machine))) < 4, path


def test_every_notebook_has_its_machine_time():
    (row,) = re.findall(r"^\| 00 \|(?: \d\d \|)+$", TEXT, re.M)
    (times,) = re.findall(r"^\|(?: \d+ s \|)+$", TEXT, re.M)
    steps = [path.name[:2] for path in sorted(STORED.glob("[01][0-9]_*.ipynb"))]
    assert re.findall(r"\d+", row) == steps and times.count(" s ") == len(steps)


def test_each_plan_has_no_gap_and_fills_its_time():
    tables = re.findall(r"^\| (\d+) minutes \| \|\n\|.*\n((?:\| \d.*\n)+)", TEXT, re.M)
    assert [total for total, _ in tables] == ["45", "90", "180"]
    for total, rows in tables:
        spans = re.findall(r"^\| (\d+)–(\d+) \|", rows, re.M)
        starts, ends = zip(*spans, strict=True)
        assert starts == ("0", *ends[:-1]) and ends[-1] == total


def test_it_says_what_the_page_says_of_a_score():
    assert collect.PROVES in " ".join(TEXT.split())
    assert all(f"`{name}/`" in TEXT for name in (".devcontainer", ".github", ".binder"))
