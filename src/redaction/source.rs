//! Where the facts about tokens were found.

/// Where a rule's facts come from. Facts only (prefix, bytes, lengths); no code or expression was taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// gitleaks, `config/gitleaks.toml` (MIT)
    Gitleaks,
    /// secretlint, `packages/@secretlint/secretlint-rule-*` (MIT)
    Secretlint,
    /// kingfisher, `crates/kingfisher-rules/data/rules` (Apache-2.0)
    Kingfisher,
    /// datadog-agent, `pkg/util/scrubber` (Apache-2.0)
    Datadog,
    /// The issuer's own documentation, or the standard
    Vendor,
    /// betterleaks, `config/betterleaks.toml`
    Betterleaks,
    /// The issuer states no format; independent public scanners agree on this one
    Scanners,
}
