from core.numbers import percent


def test_a_share_is_never_rounded_to_nothing() -> None:
    assert [percent(x) for x in (0.0, 0.0001, 0.005, 0.0051, 0.084, 1.0)] == ["0%", "< 1%", "< 1%", "1%", "8%", "100%"]
