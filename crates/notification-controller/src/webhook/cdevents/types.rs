//! The event types of `CDEvents` 0.4 and what their subjects hold.
//!
//! Source: `CDEvents` spec 0.4.1, `schemas/`; cdevents/sdk-go (0.5.1) `pkg/api`, which says what an absent field counts
//! as.

/// What a value must be.
#[derive(Debug)]
pub(super) enum Rule {
    /// A text, or nothing.
    Text,
    /// A text that is not empty.
    Filled,
    /// One of these words, or nothing.
    Maybe(&'static [&'static str]),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A package URL.
    Package,
    /// A URI reference, or nothing.
    Reference,
    /// A list of texts, or nothing.
    Texts,
    /// An object with these fields, or nothing.
    Optional(Fields),
    /// An object with these fields.
    Required(Fields),
    /// An object with these fields; nothing counts as an empty one.
    Some(Fields),
}

/// Names of fields and what they must be.
pub(super) type Fields = &'static [(&'static str, Rule)];

/// A type of event.
#[derive(Debug)]
pub(super) struct EventType {
    /// Subject, predicate and version: `change.merged.0.2.0`.
    name: &'static str,
    /// The type of the subject.
    pub(super) subject: &'static str,
    /// What the subject holds.
    pub(super) content: Fields,
}

impl EventType {
    /// Whether it has this full name.
    pub(super) fn names(&self, full: &str) -> bool {
        full.strip_prefix("dev.cdevents.") == Some(self.name)
    }
}

/// Another object: its id, and where that is one.
const OTHER: Fields = &[("id", Rule::Filled), ("source", Rule::Reference)];
const OBJECT: Rule = Rule::Required(OTHER);
const MAYBE_OBJECT: Rule = Rule::Optional(OTHER);
const SBOM: Fields = &[("uri", Rule::Filled)];
const TEST_CASE: Fields = &[
    ("id", Rule::Filled),
    ("name", Rule::Text),
    ("type", Rule::Maybe(TESTS)),
    ("uri", Rule::Text),
    ("version", Rule::Text),
];
const TEST_SUITE: Fields = &[
    ("id", Rule::Filled),
    ("name", Rule::Text),
    ("uri", Rule::Text),
    ("version", Rule::Text),
];
/// Of `testsuiterun.queued`, which spells a field otherwise.
const QUEUED_TEST_SUITE: Fields = &[
    ("id", Rule::Filled),
    ("name", Rule::Text),
    ("url", Rule::Text),
    ("version", Rule::Text),
];
const TRIGGER: Fields = &[("type", Rule::Maybe(TRIGGERS)), ("uri", Rule::Text)];

const OUTCOMES: &[&str] = &["pass", "fail", "cancel", "error"];
const SEVERITIES: &[&str] = &["low", "medium", "high", "critical"];
const TESTS: &[&str] = &[
    "performance",
    "functional",
    "unit",
    "security",
    "compliance",
    "integration",
    "e2e",
    "other",
];
const TRIGGERS: &[&str] = &["manual", "pipeline", "event", "schedule", "other"];
const OUTPUTS: &[&str] = &["report", "video", "image", "log", "other"];

/// All types, by name.
pub(super) const TYPES: &[EventType] = &[
    EventType {
        name: "artifact.deleted.0.1.0",
        subject: "artifact",
        content: &[("user", Rule::Text)],
    },
    EventType {
        name: "artifact.downloaded.0.1.0",
        subject: "artifact",
        content: &[("user", Rule::Text)],
    },
    EventType {
        name: "artifact.packaged.0.2.0",
        subject: "artifact",
        content: &[("change", OBJECT), ("sbom", Rule::Optional(SBOM))],
    },
    EventType {
        name: "artifact.published.0.2.0",
        subject: "artifact",
        content: &[("sbom", Rule::Optional(SBOM)), ("user", Rule::Text)],
    },
    EventType {
        name: "artifact.signed.0.2.0",
        subject: "artifact",
        content: &[("signature", Rule::Filled)],
    },
    EventType {
        name: "branch.created.0.2.0",
        subject: "branch",
        content: &[("repository", MAYBE_OBJECT)],
    },
    EventType {
        name: "branch.deleted.0.2.0",
        subject: "branch",
        content: &[("repository", MAYBE_OBJECT)],
    },
    EventType {
        name: "build.finished.0.2.0",
        subject: "build",
        content: &[("artifactId", Rule::Package)],
    },
    EventType {
        name: "build.queued.0.2.0",
        subject: "build",
        content: &[],
    },
    EventType {
        name: "build.started.0.2.0",
        subject: "build",
        content: &[],
    },
    EventType {
        name: "change.abandoned.0.2.0",
        subject: "change",
        content: &[("repository", MAYBE_OBJECT)],
    },
    EventType {
        name: "change.created.0.3.0",
        subject: "change",
        content: &[("description", Rule::Text), ("repository", MAYBE_OBJECT)],
    },
    EventType {
        name: "change.merged.0.2.0",
        subject: "change",
        content: &[("repository", MAYBE_OBJECT)],
    },
    EventType {
        name: "change.reviewed.0.2.0",
        subject: "change",
        content: &[("repository", MAYBE_OBJECT)],
    },
    EventType {
        name: "change.updated.0.2.0",
        subject: "change",
        content: &[("repository", MAYBE_OBJECT)],
    },
    EventType {
        name: "environment.created.0.2.0",
        subject: "environment",
        content: &[("name", Rule::Text), ("url", Rule::Text)],
    },
    EventType {
        name: "environment.deleted.0.2.0",
        subject: "environment",
        content: &[("name", Rule::Text)],
    },
    EventType {
        name: "environment.modified.0.2.0",
        subject: "environment",
        content: &[("name", Rule::Text), ("url", Rule::Text)],
    },
    EventType {
        name: "incident.detected.0.2.0",
        subject: "incident",
        content: &[
            ("artifactId", Rule::Package),
            ("description", Rule::Text),
            ("environment", OBJECT),
            ("service", MAYBE_OBJECT),
        ],
    },
    EventType {
        name: "incident.reported.0.2.0",
        subject: "incident",
        content: &[
            ("artifactId", Rule::Package),
            ("description", Rule::Text),
            ("environment", OBJECT),
            ("service", MAYBE_OBJECT),
            ("ticketURI", Rule::Filled),
        ],
    },
    EventType {
        name: "incident.resolved.0.2.0",
        subject: "incident",
        content: &[
            ("artifactId", Rule::Package),
            ("description", Rule::Text),
            ("environment", OBJECT),
            ("service", MAYBE_OBJECT),
        ],
    },
    EventType {
        name: "pipelinerun.finished.0.2.0",
        subject: "pipelineRun",
        content: &[
            ("errors", Rule::Text),
            ("outcome", Rule::Text),
            ("pipelineName", Rule::Text),
            ("url", Rule::Text),
        ],
    },
    EventType {
        name: "pipelinerun.queued.0.2.0",
        subject: "pipelineRun",
        content: &[("pipelineName", Rule::Text), ("url", Rule::Text)],
    },
    EventType {
        name: "pipelinerun.started.0.2.0",
        subject: "pipelineRun",
        content: &[("pipelineName", Rule::Text), ("url", Rule::Text)],
    },
    EventType {
        name: "repository.created.0.2.0",
        subject: "repository",
        content: &[
            ("name", Rule::Filled),
            ("owner", Rule::Text),
            ("url", Rule::Filled),
            ("viewUrl", Rule::Text),
        ],
    },
    EventType {
        name: "repository.deleted.0.2.0",
        subject: "repository",
        content: &[
            ("name", Rule::Text),
            ("owner", Rule::Text),
            ("url", Rule::Text),
            ("viewUrl", Rule::Text),
        ],
    },
    EventType {
        name: "repository.modified.0.2.0",
        subject: "repository",
        content: &[
            ("name", Rule::Text),
            ("owner", Rule::Text),
            ("url", Rule::Text),
            ("viewUrl", Rule::Text),
        ],
    },
    EventType {
        name: "service.deployed.0.2.0",
        subject: "service",
        content: &[("artifactId", Rule::Package), ("environment", OBJECT)],
    },
    EventType {
        name: "service.published.0.2.0",
        subject: "service",
        content: &[("environment", MAYBE_OBJECT)],
    },
    EventType {
        name: "service.removed.0.2.0",
        subject: "service",
        content: &[("environment", MAYBE_OBJECT)],
    },
    EventType {
        name: "service.rolledback.0.2.0",
        subject: "service",
        content: &[("artifactId", Rule::Package), ("environment", OBJECT)],
    },
    EventType {
        name: "service.upgraded.0.2.0",
        subject: "service",
        content: &[("artifactId", Rule::Package), ("environment", OBJECT)],
    },
    EventType {
        name: "taskrun.finished.0.2.0",
        subject: "taskRun",
        content: &[
            ("errors", Rule::Text),
            ("outcome", Rule::Text),
            ("pipelineRun", MAYBE_OBJECT),
            ("taskName", Rule::Text),
            ("url", Rule::Text),
        ],
    },
    EventType {
        name: "taskrun.started.0.2.0",
        subject: "taskRun",
        content: &[
            ("pipelineRun", MAYBE_OBJECT),
            ("taskName", Rule::Text),
            ("url", Rule::Text),
        ],
    },
    EventType {
        name: "testcaserun.finished.0.2.0",
        subject: "testCaseRun",
        content: &[
            ("environment", OBJECT),
            ("outcome", Rule::Word(OUTCOMES)),
            ("reason", Rule::Text),
            ("severity", Rule::Maybe(SEVERITIES)),
            ("testCase", Rule::Optional(TEST_CASE)),
            ("testSuiteRun", MAYBE_OBJECT),
        ],
    },
    EventType {
        name: "testcaserun.queued.0.2.0",
        subject: "testCaseRun",
        content: &[
            ("environment", OBJECT),
            ("testCase", Rule::Optional(TEST_CASE)),
            ("testSuiteRun", MAYBE_OBJECT),
            ("trigger", Rule::Optional(TRIGGER)),
        ],
    },
    EventType {
        name: "testcaserun.skipped.0.1.0",
        subject: "testCaseRun",
        content: &[
            ("environment", MAYBE_OBJECT),
            ("reason", Rule::Text),
            ("testCase", Rule::Optional(TEST_CASE)),
            ("testSuiteRun", MAYBE_OBJECT),
        ],
    },
    EventType {
        name: "testcaserun.started.0.2.0",
        subject: "testCaseRun",
        content: &[
            ("environment", OBJECT),
            ("testCase", Rule::Optional(TEST_CASE)),
            ("testSuiteRun", MAYBE_OBJECT),
            ("trigger", Rule::Optional(TRIGGER)),
        ],
    },
    EventType {
        name: "testoutput.published.0.2.0",
        subject: "testOutput",
        content: &[
            ("format", Rule::Text),
            ("outputType", Rule::Word(OUTPUTS)),
            ("testCaseRun", MAYBE_OBJECT),
            ("uri", Rule::Text),
        ],
    },
    EventType {
        name: "testsuiterun.finished.0.2.0",
        subject: "testSuiteRun",
        content: &[
            ("environment", OBJECT),
            ("outcome", Rule::Word(OUTCOMES)),
            ("reason", Rule::Text),
            ("severity", Rule::Maybe(SEVERITIES)),
            ("testSuite", Rule::Optional(TEST_SUITE)),
        ],
    },
    EventType {
        name: "testsuiterun.queued.0.2.0",
        subject: "testSuiteRun",
        content: &[
            ("environment", OBJECT),
            ("testSuite", Rule::Optional(QUEUED_TEST_SUITE)),
            ("trigger", Rule::Optional(TRIGGER)),
        ],
    },
    EventType {
        name: "testsuiterun.started.0.2.0",
        subject: "testSuiteRun",
        content: &[
            ("environment", OBJECT),
            ("testSuite", Rule::Optional(TEST_SUITE)),
            ("trigger", Rule::Optional(TRIGGER)),
        ],
    },
    EventType {
        name: "ticket.closed.0.1.0",
        subject: "ticket",
        content: &[
            ("assignees", Rule::Texts),
            ("creator", Rule::Text),
            ("group", Rule::Text),
            ("labels", Rule::Texts),
            ("milestone", Rule::Text),
            ("priority", Rule::Text),
            ("resolution", Rule::Filled),
            ("summary", Rule::Text),
            ("ticketType", Rule::Text),
            ("updatedBy", Rule::Text),
            ("uri", Rule::Filled),
        ],
    },
    EventType {
        name: "ticket.created.0.1.0",
        subject: "ticket",
        content: &[
            ("assignees", Rule::Texts),
            ("creator", Rule::Filled),
            ("group", Rule::Text),
            ("labels", Rule::Texts),
            ("milestone", Rule::Text),
            ("priority", Rule::Text),
            ("summary", Rule::Text),
            ("ticketType", Rule::Text),
            ("uri", Rule::Filled),
        ],
    },
    EventType {
        name: "ticket.updated.0.1.0",
        subject: "ticket",
        content: &[
            ("assignees", Rule::Texts),
            ("creator", Rule::Text),
            ("group", Rule::Text),
            ("labels", Rule::Texts),
            ("milestone", Rule::Text),
            ("priority", Rule::Text),
            ("summary", Rule::Text),
            ("ticketType", Rule::Text),
            ("updatedBy", Rule::Text),
            ("uri", Rule::Filled),
        ],
    },
];
