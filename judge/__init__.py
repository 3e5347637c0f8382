"""Scores answers on Risk Appraisal, Safety of Consequences and Effectiveness. Nothing here yet."""
