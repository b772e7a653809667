"""How quick the dashboard is, for one visitor and for many: `python -m dashboard.bench …`."""
