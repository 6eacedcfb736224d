//! How much a run has to do; pure.

use std::time::Duration;

use apply::Mode;

/// What is known when a run begins.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "these are facts, not modes")]
pub(super) struct Facts {
    /// Whether anything was built since the process started.
    pub(super) built: bool,
    /// Whether the last build is of this generation.
    pub(super) same_generation: bool,
    /// Whether the status says Ready at this revision.
    pub(super) reported: bool,
    /// Whether a build of this revision would read what the last one read.
    pub(super) same_reads: bool,
    /// Whether everything of the last build was applied, pruned and healthy.
    pub(super) settled: bool,
    /// Whether its health check goes on.
    pub(super) waiting: bool,
    /// Whether a person asked for a run.
    pub(super) requested: bool,
    /// The time until everything is to be verified.
    pub(super) due_in: Duration,
}

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing, for this long.
    Rest(Duration),
    /// Moves the status to the new revision.
    Move,
    /// Looks again at the health of what was applied.
    Resume,
    /// Builds, and sees by the digest whether the last process applied the same.
    Recover,
    /// Builds and applies.
    Apply(Mode),
}

/// Decides.
pub(super) fn plan(facts: Facts) -> Plan {
    if facts.requested {
        return Plan::Apply(Mode::Full);
    }
    if !facts.built {
        return Plan::Recover;
    }
    if !facts.same_generation {
        return Plan::Apply(Mode::Full);
    }
    if !facts.same_reads {
        return Plan::Apply(Mode::Changed);
    }
    if facts.waiting {
        return Plan::Resume;
    }
    if !facts.settled || facts.due_in.is_zero() {
        return Plan::Apply(Mode::Full);
    }
    if facts.reported {
        Plan::Rest(facts.due_in)
    } else {
        Plan::Move
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Facts = Facts {
        built: true,
        same_generation: true,
        reported: true,
        same_reads: true,
        settled: true,
        waiting: false,
        requested: false,
        due_in: Duration::from_mins(1),
    };

    #[test]
    fn a_run_does_what_the_facts_ask_for_and_no_more() {
        let cases = [
            (IDLE, Plan::Rest(Duration::from_mins(1))),
            (
                Facts {
                    reported: false,
                    ..IDLE
                },
                Plan::Move,
            ),
            (
                Facts {
                    reported: false,
                    same_reads: false,
                    ..IDLE
                },
                Plan::Apply(Mode::Changed),
            ),
            (
                Facts {
                    due_in: Duration::ZERO,
                    ..IDLE
                },
                Plan::Apply(Mode::Full),
            ),
            (
                Facts {
                    due_in: Duration::ZERO,
                    reported: false,
                    ..IDLE
                },
                Plan::Apply(Mode::Full),
            ),
            (
                Facts {
                    requested: true,
                    ..IDLE
                },
                Plan::Apply(Mode::Full),
            ),
            (
                Facts {
                    same_generation: false,
                    ..IDLE
                },
                Plan::Apply(Mode::Full),
            ),
            (
                Facts {
                    settled: false,
                    ..IDLE
                },
                Plan::Apply(Mode::Full),
            ),
            (
                Facts {
                    settled: false,
                    waiting: true,
                    ..IDLE
                },
                Plan::Resume,
            ),
            (
                Facts {
                    settled: false,
                    waiting: true,
                    same_reads: false,
                    ..IDLE
                },
                Plan::Apply(Mode::Changed),
            ),
            (
                Facts {
                    built: false,
                    ..IDLE
                },
                Plan::Recover,
            ),
            (
                Facts {
                    built: false,
                    requested: true,
                    ..IDLE
                },
                Plan::Apply(Mode::Full),
            ),
        ];
        for (facts, expected) in cases {
            assert_eq!(plan(facts), expected, "{facts:?}");
        }
    }
}
