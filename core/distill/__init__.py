"""Distillation (Hinton et al. 2015, arXiv 1503.02531): the loss, the views, the loop."""

from core.distill.batches import Batches, TrainingData
from core.distill.learner import Learner
from core.distill.loss import Losses, distillation_loss
from core.distill.train import train
from core.distill.views import epoch_order, views

__all__ = ["Batches", "Learner", "Losses", "TrainingData", "distillation_loss", "epoch_order", "train", "views"]
