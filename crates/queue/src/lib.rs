//! The work queue: a pure state machine and a thin asynchronous shell.
