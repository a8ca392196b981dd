"""What requests for responses take, and what answers them."""
