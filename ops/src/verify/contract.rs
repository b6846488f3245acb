//! What every answer of the worker has, whatever the request: shared with the black-box tests.

use log_ingestion_worker::access::ALLOW_METHODS;
use reqwest::header::HeaderMap;

/// How the headers that a page may send begin; more may follow.
const ALLOW_HEADERS: &str = "Content-Type, Origin, User-Agent, Authorization";

/// Whom an answer lets read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Any page.
    All,
    /// The page that asked; others get another answer.
    Asker,
    /// Nobody who asked from a page: the origin is not listed.
    Nobody,
}

/// Checks the headers that every answer has, and says whom they let read it. `origin` is the request's.
///
/// # Errors
/// The first header that is not as the contract has it, in words.
pub fn common_headers(headers: &HeaderMap, origin: Option<&str>) -> Result<Readers, String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    expect("Content-Type", header("content-type"), "application/json", str::eq)?;
    let methods = header("access-control-allow-methods");
    expect("Access-Control-Allow-Methods", methods, ALLOW_METHODS, str::eq)?;
    let allowed = header("access-control-allow-headers");
    expect("Access-Control-Allow-Headers", allowed, ALLOW_HEADERS, |given, start| given.starts_with(start))?;
    match (header("access-control-allow-origin"), header("vary")) {
        (Some("*"), None) => Ok(Readers::All),
        // A cache in between may have a Vary of its own.
        (Some("*"), Some(vary)) if !lists_origin(vary) => Ok(Readers::All),
        (Some(own), Some(vary)) if lists_origin(vary) && Some(own) == origin => Ok(Readers::Asker),
        (None, Some(vary)) if lists_origin(vary) => Ok(Readers::Nobody),
        (allowed, vary) => Err(format!(
            "Access-Control-Allow-Origin is {} with Vary {}, which no page may rely on",
            allowed.unwrap_or("absent"),
            vary.unwrap_or("absent"),
        )),
    }
}

fn lists_origin(vary: &str) -> bool {
    vary.split(',').any(|name| name.trim().eq_ignore_ascii_case("origin"))
}

fn expect(
    name: &str,
    given: Option<&str>,
    wanted: &str,
    fits: impl Fn(&str, &str) -> bool,
) -> Result<(), String> {
    match given {
        Some(given) if fits(given, wanted) => Ok(()),
        given => Err(format!("{name} is {}, not {wanted}", given.unwrap_or("absent"))),
    }
}

/// Percent-encoded, as `encodeURIComponent` does it and more.
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, &RESERVED).to_string()
}

const RESERVED: percent_encoding::AsciiSet =
    percent_encoding::NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.');

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(origin: &[(&'static str, &'static str)]) -> HeaderMap {
        let common = [
            ("content-type", "application/json"),
            ("access-control-allow-methods", ALLOW_METHODS),
            ("access-control-allow-headers", "Content-Type, Origin, User-Agent, Authorization, X-More"),
        ];
        let all = common.iter().chain(origin);
        all.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn who_may_read_an_answer_follows_from_its_headers() {
        let page = Some("https://a.example");
        let cases = [
            (&[("access-control-allow-origin", "*")][..], Ok(Readers::All)),
            (&[("access-control-allow-origin", "*"), ("vary", "accept-encoding")], Ok(Readers::All)),
            (&[("access-control-allow-origin", "https://a.example"), ("vary", "Origin")], Ok(Readers::Asker)),
            (&[("vary", "Origin")], Ok(Readers::Nobody)),
            (&[("access-control-allow-origin", "https://b.example"), ("vary", "Origin")], Err(())),
            (&[("access-control-allow-origin", "https://a.example")], Err(())),
            (&[], Err(())),
        ];
        for (given, wanted) in cases {
            assert_eq!(common_headers(&headers(given), page).map_err(drop), wanted, "{given:?}");
        }
        let said = common_headers(&HeaderMap::new(), page).unwrap_err();
        assert_eq!(said, "Content-Type is absent, not application/json");
    }
}
