"""What shows how good a trained model is and why, as plain data that pictures are made of."""
