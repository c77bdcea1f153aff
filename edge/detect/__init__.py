"""One Detector protocol, its backends, and the inference service of a box."""
