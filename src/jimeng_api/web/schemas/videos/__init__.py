"""What requests for films take, and what answers them."""
