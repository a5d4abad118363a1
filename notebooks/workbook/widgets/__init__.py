"""What a learner can click and drag; each has a twin in code."""
