//! System detection: which system a log came from when the client did not say.

use crate::entry::System;

/// What a request's headers tell of its sender.
#[derive(Debug, Clone, Default)]
pub struct Sender {
    /// `Origin`.
    pub origin: Option<String>,
    /// `Referer`.
    pub referer: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// Whether `Sec-Fetch-Site` is there, which only browsers send.
    pub fetch_metadata: bool,
}

/// The contract's table, first match wins.
pub fn detect_system(sender: &Sender) -> System {
    let origin = sender.origin.as_deref().unwrap_or("").to_ascii_lowercase();
    let referer = sender.referer.as_deref().unwrap_or("").to_ascii_lowercase();
    let agent = sender.user_agent.as_deref().unwrap_or("").to_ascii_lowercase();
    let local = |text: &str| text.contains("localhost") || text.contains("127.0.0.1");
    if local(&origin) || local(&referer) {
        System::Browser
    } else if agent.contains("worker") || agent.contains("cloudflare") {
        System::Worker
    } else if agent.contains("convex") || origin.contains("convex") {
        System::Convex
    } else if sender.origin.is_some() || sender.fetch_metadata {
        System::Browser
    } else {
        System::Manual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_match_wins() {
        let cases = [
            ("http://localhost:3000", "", "Cloudflare-Workers", false, System::Browser),
            ("", "http://127.0.0.1/x", "Convex", false, System::Browser),
            ("https://app.convex.site", "", "my-WORKER/1", false, System::Worker),
            ("", "", "Convex-Internal-Logger/1.0", false, System::Convex),
            ("https://x.convex.cloud", "", "Mozilla", false, System::Convex),
            ("https://app.example.com", "", "Mozilla", false, System::Browser),
            ("", "", "Mozilla", true, System::Browser),
            ("", "", "curl/8", false, System::Manual),
        ];
        for (origin, referer, agent, fetch_metadata, wanted) in cases {
            let given = |text: &str| (!text.is_empty()).then(|| text.to_string());
            let sender = Sender {
                origin: given(origin),
                referer: given(referer),
                user_agent: given(agent),
                fetch_metadata,
            };
            assert_eq!(detect_system(&sender), wanted, "{sender:?}");
        }
    }
}
