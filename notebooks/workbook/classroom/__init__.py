"""For who teaches a class: what stands, who is where, and notebooks to hand out."""
