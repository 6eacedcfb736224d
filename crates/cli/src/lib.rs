//! The perigee command.
