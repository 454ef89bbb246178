import pytest

from filmpulse.analysis import ANALYSER_KINDS, Analyser, make_analyser
from filmpulse.analysis.aspects import aspects, definitions
from filmpulse.errors import BadInput
from filmpulse.items import ASPECTS


def test_the_five_aspects_are_defined_in_the_order_of_the_items():
    assert tuple(aspect.name for aspect in aspects()) == ASPECTS
    assert all(aspect.label and aspect.covers.strip() == aspect.covers for aspect in aspects())


def test_the_scale_runs_from_very_negative_to_very_positive():
    assert [point.score for point in definitions().scale] == [-2, -1, 0, 1, 2]
    assert definitions().scale[0].label == "very negative"


@pytest.mark.parametrize("kind", ANALYSER_KINDS)
def test_every_kind_makes_an_analyser_of_that_kind(kind: str):
    analyser: Analyser = make_analyser(kind)
    assert analyser.kind == kind
    assert analyser.prompt_version


def test_an_unknown_kind_is_refused_with_those_that_exist():
    with pytest.raises(BadInput, match=r"'oracle'.*lexicon"):
        make_analyser("oracle")
