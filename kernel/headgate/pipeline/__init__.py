"""An exchange meets a program: routing, running, relaying, and finishing exactly once."""
