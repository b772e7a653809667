from core.ask import Ask
from core.attribution import BASELINES, SCORES
from core.config import Explain
from core.study import Study
from dashboard import asking
from tests.tiny import tiny_study


def test_the_study_s_own_way_needs_nothing_computed(tmp_path):
    study = Study(tiny_study(tmp_path / "tiny"))
    assert asking.usual(study, Ask(), "saliency")
    assert not asking.usual(study, Ask(), "grad_cam")
    for other in (Ask(target="own"), Ask(score="probability"), Ask(baseline="black")):
        assert not asking.usual(study, other, "saliency")


def test_everything_that_can_be_asked_has_its_words():
    assert set(asking.SCORES) == set(SCORES)
    assert set(asking.BASELINES) == set(asking.FROM) == set(BASELINES)
    assert set(asking.TARGETS) == set(Explain.model_fields["target"].annotation.__args__)
