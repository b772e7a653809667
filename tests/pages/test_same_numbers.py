"""Every number in a table of a page is, unrounded, a row of summary.parquet."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.cost_measures import COSTS
from core.figures.encoding import FORMATS
from core.measures import MEASURES
from core.study import open_study
from tests.pages.test_pages import errors, open_page
