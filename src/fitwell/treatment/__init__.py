"""Regularize a network that is already built: a copy of it, with L1, L2 and dropout."""

from fitwell.treatment.terms import STRENGTHS
from fitwell.treatment.treat import regularize
from fitwell.treatment.treated import Treated

__all__ = ["STRENGTHS", "Treated", "regularize"]
