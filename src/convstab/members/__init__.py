"""An ensemble beside its members on the same draws: what deciding together gains, and what of it is independence."""
