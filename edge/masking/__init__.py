"""Privacy masks painted into the pictures of a polling station before anything keeps or shows them."""
