"""Postgres cuts a valence as Python does, to the last bit."""

import math
import random
from collections import Counter

import psycopg
import pytest

from filmpulse.analysis.lexicon.cuts import FIXED_CUTS, RESOLUTION, cut, learn_cuts

AT = [-1.0, -0.25, -0.0, 0.0, 1 / 3, 0.5, 0.62, 1e300, -1e300, 5e-324]


@pytest.fixture(scope="module")
def postgres(databases, _warehouse_template):
    url = databases.create(_warehouse_template)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
    databases.drop(url)


@pytest.mark.parametrize(
    "cuts",
    [
        FIXED_CUTS,
        (0.5, 0.5, 0.5, 0.5),
        (-0.25, -0.25, 0.0, 0.0),
        (-0.0, 0.0, 0.0, 1 / 3),
        learn_cuts(Counter({(0.25, 10): 5, (-1 / 3, 1): 2})),
        learn_cuts(Counter((random.Random(7).gauss(0, 1), grade) for grade in range(1, 11))),
    ],
)
def test_the_same_step(postgres, cuts):
    near = [math.nextafter(one, way) for one in cuts for way in (-math.inf, math.inf)]
    valences = [*AT, *cuts, *near]
    rows = postgres.execute(
        "SELECT width_bucket(v, %s::double precision[]) - 2 FROM unnest(%s::double precision[]) "
        "WITH ORDINALITY AS x (v, n) ORDER BY n",
        (list(cuts), valences),
    ).fetchall()
    assert [step for (step,) in rows] == [cut(valence, cuts) for valence in valences]


def test_the_same_rounding(postgres):
    dice = random.Random(11)
    valences = [dice.gauss(0, 1) for _ in range(2_000)] + [n / RESOLUTION for n in range(-9, 10)]
    rows = postgres.execute(
        "SELECT floor(v * %s) / %s FROM unnest(%s::double precision[]) "
        "WITH ORDINALITY AS x (v, n) ORDER BY n",
        (RESOLUTION, RESOLUTION, valences),
    ).fetchall()
    assert [v for (v,) in rows] == [math.floor(v * RESOLUTION) / RESOLUTION for v in valences]
