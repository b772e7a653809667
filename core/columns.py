"""The tables of a study, column by column: what is read of each, and of which kind (`core.parquet.KINDS`)."""

from core.parquet import Columns

IMAGES: Columns = {
    "id": "int",
    "label": "int",
    "split": "text",
    "source": "text",
    "visible_parts": "int",
    "explained": "bool",
    "kept": "bool",
}
HISTORY: Columns = {
    "epoch": "int",
    "learning_rate": "real",
    "loss": "real",
    "cross_entropy": "real",
    "divergence": "real",
    "explanation": "real?",
    "train_accuracy": "real",
    "validation_accuracy": "real",
    "seconds": "real",
}
IMPORTANCE: Columns = {
    "image": "int",
    "method": "category",
    "part": "category",
    "mass": "real",
    "density": "real",
    "area": "real",
    "total": "real",
    "gap": "real",
    "d": "real",
    "part_d": "real",
    "evaluations": "int",
    "converged": "bool",
    "similarity": "real",
    "similarity_shuffled": "real",
}
MEASURES: Columns = {
    "image": "int",
    "measure": "category",
    "method": "category",
    "importance": "category",
    "outside": "category",
    "value": "real",
}
PARTS: Columns = {"method": "text", "part": "text", "mean": "real", "error": "real", "n": "int"}
COSTS: Columns = {
    "cell": "text",
    "architecture": "text",
    "measure": "text",
    "estimate": "real",
    "low": "real",
    "high": "real",
    "n": "int",
}
SUMMARY: Columns = {
    "kind": "text",
    "cell": "text",
    "architecture": "text",
    "alpha": "real",
    "seed": "text",
    "method": "text",
    "measure": "text",
    "importance": "text",
    "outside": "text",
    "subset": "text",
    "control": "text",
    "estimate": "real",
    "low": "real",
    "high": "real",
    "n": "int",
    "skipped": "int",
    "explanation_weight": "real?",
}
OF_CELLS: dict[str, Columns] = {"history": HISTORY, "importance": IMPORTANCE, "measures": MEASURES, "parts": PARTS}
"""By the kind of a cell's file."""
