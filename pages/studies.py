"""Studies: which are there, how complete each is, and how to begin, follow, stop and compare them."""

import streamlit as st

from dashboard import studies_add, studies_new, studies_there
from dashboard.navigation import link

st.title("Studies", anchor=False)
st.caption(
    "A study trains a teacher and its students, finds where each of them looks, and measures how far the looking moved."
)
studies_there.show()
link("compare", "Compare two of them →")

st.subheader("Begin another", anchor=False)
studies_new.offer()

with st.expander("Bring in a network of your own"):
    studies_add.offer()
