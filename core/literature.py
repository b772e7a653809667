"""What others found, to stand beside a study's own numbers: other data, another setting."""

POSTER_LOGIT_ALIGNMENT = {
    1.0: {"resnet101": 1.00, "resnet50": 0.52, "resnet34": 0.28, "resnet18": 0.26},
    0.5: {"resnet101": 0.76, "resnet50": 0.70, "resnet34": 0.48, "resnet18": 0.38},
    0.1: {"resnet101": 0.81, "resnet50": 0.76, "resnet34": 0.56, "resnet18": 0.50},
}
"""The poster's Figure 4, the only numbers that it prints."""
