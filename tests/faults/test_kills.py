"""A process that is killed between any two calls: the next run copes.

Always: killed at its first change, again and again, so after each call once. Slow: one
kill, then what a learner would do.
"""

import pytest
from support.matrix import VARIANTS, Row, forget, left, quiet, recorded, variants
from support.moto_cloud import Cut, here
from support.rows import rows

from deploy import pipeline


def killed(wire, at, run, *arguments):
    """Run until just after the changing call of that number."""
    wire.reset()
    wire.cut_after = at
    with pytest.raises(Cut):
        run(*arguments)
    wire.reset()


def becomes_ready(cloud, settings):
    pipeline.up(cloud, settings, say=quiet)
    assert pipeline.status(cloud, settings).ready
    return "`up`: ready"


def leaves_nothing(cloud, settings):
    assert pipeline.down(cloud, settings).left == ()
    return "`down`: nothing left"


@pytest.mark.slow
@variants
@pytest.mark.parametrize("verb", ["up", "down"])
def test_killed(cloud, wire, no_delays, matrix, variant, verb):
    settings, run = here(cloud, **VARIANTS[variant]), getattr(pipeline, verb)
    if verb == "down":
        pipeline.up(cloud, settings, say=quiet)
    calls = recorded(wire, run, cloud, settings)
    rows = []
    for at, call in enumerate(calls, 1):
        forget()
        if verb == "down":
            pipeline.up(cloud, settings, say=quiet)
        killed(wire, at, run, cloud, settings)
        remains = left(cloud, settings)
        then = [becomes_ready(cloud, settings)] if verb == "up" else []
        then += [leaves_nothing(cloud, settings)]
        fault = f"{at} of {len(calls)}: after `{call}`"
        rows.append(Row(fault, "nothing: it is gone", remains, "; ".join(then)))
    matrix(f"{verb} ({variant}), killed", rows)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("run", "then"), [(pipeline.up, leaves_nothing), (pipeline.down, becomes_ready)]
)
def test_what_is_half_done_is_undone(cloud, wire, no_delays, run, then):
    settings = here(cloud, reliable=True)
    if run is pipeline.down:
        pipeline.up(cloud, settings, say=quiet)
    calls = recorded(wire, run, cloud, settings)
    for at in range(1, len(calls) + 1):
        forget()
        if run is pipeline.down:
            pipeline.up(cloud, settings, say=quiet)
        killed(wire, at, run, cloud, settings)
        assert then(cloud, settings)


@pytest.mark.parametrize(
    ("run", "reliable"),
    rows([(pipeline.up, False), (pipeline.up, True), (pipeline.down, True)]),
)
def test_kill_after_kill(cloud, wire, no_delays, run, reliable):
    """Killed at every first change, it still gets there."""
    settings = here(cloud, reliable=reliable)
    if run is pipeline.down:
        pipeline.up(cloud, settings, say=quiet)
    kills = 0
    while kills < 50:
        wire.reset()
        wire.cut_after = 1
        try:
            run(cloud, settings)
        except Cut:
            kills += 1
        else:
            break
    assert 10 < kills < 50
    assert wire.mutations == []
