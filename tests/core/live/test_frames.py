import io

import numpy as np

from core.live.frames import frame, read_frame

PLAIN = {"number": 3, "says": "found", "gap": float("nan"), "name": "Żółw 🐢"}
ARRAYS = {
    "maps": np.arange(6, dtype=np.float32).reshape(1, 2, 3).transpose(0, 2, 1),
    "none": np.zeros((0, 3), np.uint8),
}


def test_messages_come_out_as_they_went_in_one_after_the_other() -> None:
    file = io.BytesIO(frame(PLAIN, ARRAYS) + frame({"number": 4}))
    first, second = read_frame(file), read_frame(file)
    assert first is not None
    plain, arrays = first
    assert np.isnan(plain.pop("gap"))
    assert plain == {name: value for name, value in PLAIN.items() if name != "gap"}
    assert arrays.keys() == ARRAYS.keys()
    for name, value in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], value)
        assert arrays[name].dtype == value.dtype
    assert second == ({"number": 4}, {})
    assert read_frame(file) is None


def test_a_message_cut_short_is_the_end() -> None:
    whole = frame(PLAIN, ARRAYS)
    for end in range(len(whole)):
        assert read_frame(io.BytesIO(whole[:end])) is None, end
