"""Optimisers and learning rates: how parameters follow their gradients. The same classes drive Values and Tensors."""

from .clipping import clip_grad_norm
from .methods import SGD, Adagrad, Adam, AdamW, RMSprop
from .optimizer import Optimizer
from .schedulers import (
    CosineAnnealingLR,
    ExponentialLR,
    LinearWarmup,
    OneCycleLR,
    ReduceLROnPlateau,
    Scheduler,
    StepLR,
)

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LinearWarmup",
    "OneCycleLR",
    "Optimizer",
    "RMSprop",
    "ReduceLROnPlateau",
    "Scheduler",
    "StepLR",
    "clip_grad_norm",
]
