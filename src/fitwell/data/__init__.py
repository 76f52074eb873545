"""Tables, images, splits, and the built-in landing-page visits."""
