"""What must hold in every step, verified apart from the kernels."""
