"""What a notebook shows: pictures, plots, the trace and the timeline."""
