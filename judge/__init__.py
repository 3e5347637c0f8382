"""Scores answers on Risk Appraisal, Safety of Consequences and Effectiveness. So far: what the scores amount to."""
