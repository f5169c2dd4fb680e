"""What tests share: a clock that is moved by hand, simulated servers, the text of a screen."""
