"""Plots of training, models and answers, with matplotlib.

Each function draws on one Axes, which it returns: that given as `ax`, so that several fill a figure of your own, or
that of a new figure, as scikit-learn's plots do: no call draws over the picture of an earlier one. What needs many
small images puts them side by side in one. Nothing is shown or saved: a notebook shows a figure by itself, a script
calls ``matplotlib.pyplot.show()`` or ``ax.figure.savefig(...)``.

Numbers that are not finite are left out, and the title says how many. Models are looked at in evaluation mode, then go
back to the mode they were in; nothing is recorded in a graph of yours. Matplotlib is loaded by the first call.
"""

from .boundary import decision_boundary
from .confusion import confusion_matrix
from .curves import curves
from .ridges import activations, gradient_flow, histograms
from .sequences import states
from .surface import loss_surface
from .tiles import feature_maps, filters

__all__ = ["activations", "confusion_matrix", "curves", "decision_boundary", "feature_maps", "filters", "gradient_flow",
           "histograms", "loss_surface", "states"]
