"""What a crew measures on the spot, as arithmetic: pure, known to the edge and to central, knows only the contract."""
