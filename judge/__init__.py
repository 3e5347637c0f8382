"""Scores answers on Risk Appraisal, Safety of Consequences and Effectiveness: targets, judges, runs, reports."""
