"""scikit-learn estimators: one network, trained with the strengths that are given."""
