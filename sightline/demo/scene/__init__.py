"""The demo's scene: a street composed from one photograph, seen by an honest pinhole, with its own ground truth."""
