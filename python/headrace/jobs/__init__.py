"""What the engine and the commands do in Python around a training job."""
