"""Live view at central: pictures that boxes bring while somebody watches go to everybody who watches them."""
