"""Timings of one machine beside the plain alternative: `python -m core bench …`."""
