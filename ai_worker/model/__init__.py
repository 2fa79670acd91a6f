"""What answers: the port, the prompt, the built-in offline responder, and providers through litellm."""
