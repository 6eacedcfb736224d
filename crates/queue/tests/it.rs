//! The queue through its public API: scripts, a naive model, laws of order, and the shell under
//! paused time. The interleavings of the shell are in `src/loom_model.rs`.

#[cfg(test)]
mod it {
    pub(crate) mod recorder;

    mod model;
    mod order;
    mod scripts;
    mod shell;
}
