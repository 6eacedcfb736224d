//! What goes wrong around a controller, and what it makes of that.
//!
//! The moment of a fault is chosen by what the controller has asked of the API server so far, never
//! by a clock, so that a round hits the same spot on a fast and on a slow machine.

mod artifacts;
mod crash;
mod drift;
mod election;
mod objects;
mod receiver;
mod shutdown;
