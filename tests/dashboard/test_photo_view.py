from dashboard.photo_view import agreement


def test_agreement_in_words():
    assert agreement([]) == ""
    assert "every other" in agreement([True, True])
    assert "no other" in agreement([False, False])
    assert "so does 1 of the 3" in agreement([True, False, False])
