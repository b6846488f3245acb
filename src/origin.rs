//! Web origins (RFC 6454) that `ALLOWED_ORIGINS` lists: one by one, or all below a domain. src/cors.mjs says the same in
//! JavaScript.

/// Whether this may stand in the list: `https://app.example.com`, `http://localhost:3000`, or, for every origin below a domain
/// of two labels or more, `https://*.example.com`. Nothing stands behind host and port.
pub fn may_be_listed(listed: &str) -> bool {
    let Some(host) = listed.strip_prefix("https://").or_else(|| listed.strip_prefix("http://")) else {
        return false;
    };
    let below = host.strip_prefix("*.");
    // `https://*.com` would be anybody's.
    let wide = below.is_some_and(|domain| !domain.trim_matches('.').contains('.') || domain.starts_with('.'));
    let host = below.unwrap_or(host);
    !wide && !host.is_empty() && !host.contains(|c: char| "/?#@*".contains(c) || c.is_whitespace())
}

/// Whether an entry of the list is this origin, letters of any case, or covers it: `https://*.example.com` covers
/// `https://a.example.com` and `https://b.a.example.com`, of that scheme and port alone, and not `https://example.com`
/// (as in Content Security Policy Level 3, section 6.7.2.8).
pub fn covers(listed: &str, origin: &str) -> bool {
    let Some((scheme, domain)) = listed.split_once('*') else {
        return listed.eq_ignore_ascii_case(origin);
    };
    let below = || {
        let (start, rest) = origin.split_at_checked(scheme.len())?;
        let (below, end) = rest.split_at_checked(rest.len().checked_sub(domain.len())?)?;
        (start.eq_ignore_ascii_case(scheme) && end.eq_ignore_ascii_case(domain)).then_some(below)
    };
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    below().is_some_and(|below| below.split('.').all(is_label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_origins_and_all_below_a_domain() {
        for listed in [
            "https://app.example.com",
            "http://localhost:3000",
            "https://*.example.com",
            "https://*.my-app.pages.dev",
            "http://*.example.test:8080",
        ] {
            assert!(may_be_listed(listed), "{listed}");
        }
        for refused in [
            "*",
            "https://",
            "https://*",
            "https://*.",
            "https://*.com",
            "https://*..com",
            "https://*.com.",
            "https://*example.com",
            "https://a.*.example.com",
            "https://*.*.example.com",
            "https://a.example/",
            "https://u@a.example",
            "https://a.example?x",
            "ftp://a.example",
            "a.example",
        ] {
            assert!(!may_be_listed(refused), "{refused}");
        }
    }

    #[test]
    fn a_domain_covers_what_is_below_it_and_nothing_else() {
        let listed = "https://*.example.com";
        for origin in ["https://a.example.com", "https://b.a.example.com", "HTTPS://A.Example.COM"] {
            assert!(covers(listed, origin), "{origin}");
        }
        for origin in [
            "https://example.com",
            "https://.example.com",
            "https://a..example.com",
            "https://aexample.com",
            "https://a.example.com.evil.test",
            "https://evil.test/.example.com",
            "https://evil.test#.example.com",
            "https://evil.test:443@a.example.com",
            "https://a.example.com:8443",
            "http://a.example.com",
            "https://\u{e9}.example.com",
            "https://*.example.com",
            "null",
            "",
        ] {
            assert!(!covers(listed, origin), "{origin}");
        }
        assert!(covers("http://*.example.test:8080", "http://a.example.test:8080"));
        assert!(!covers("http://*.example.test:8080", "http://a.example.test:80"));
        assert!(covers("https://app.example.com", "https://APP.example.com"));
        assert!(!covers("https://app.example.com", "https://b.app.example.com"));
    }
}
