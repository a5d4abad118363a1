"""What is done with a pipeline that stands."""
