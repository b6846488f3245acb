//! The hosts that a value names.

use std::net::IpAddr;

use reqwest::Url;

/// A URL in a value.
pub struct Named {
    pub host: String,
    pub is_plain: bool,
}

/// The hosts of every http or https URL in a value, which may be a list with commas.
pub fn named(value: &str) -> Vec<Named> {
    let urls = value.split(',').filter_map(|part| Url::parse(part.trim()).ok());
    let named = urls.filter_map(|url| {
        let is_web = matches!(url.scheme(), "http" | "https");
        let host = url.host_str().filter(|_| is_web)?;
        Some(Named { host: host.trim_matches(['[', ']']).to_owned(), is_plain: url.scheme() == "http" })
    });
    named.collect()
}

/// Whether a value leads to this machine or this network: as the host of a URL, or as `localhost:3000` without one.
pub fn is_local(value: &str) -> bool {
    named(value).iter().any(|named| is_local_host(&named.host))
        || value.split(',').any(|part| {
            let host = part.trim().split([':', '/']).next().unwrap_or_default();
            host == "localhost" || host == "127.0.0.1"
        })
}

/// Whether it is a name or an address of this machine or network.
pub fn is_local_host(host: &str) -> bool {
    let by_name =
        host == "localhost" || [".localhost", ".local", ".internal"].iter().any(|end| host.ends_with(end));
    by_name
        || match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_unspecified(),
            Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local(),
            Err(_) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_this_machine_is_known_by_any_of_its_names() {
        for local in [
            "http://localhost:3000",
            "https://app.example.com, http://127.0.0.1",
            "http://[::1]:80/x",
            "localhost:8080",
            "https://10.0.0.7",
            "http://db.internal",
        ] {
            assert!(is_local(local), "{local}");
        }
        for far in ["https://localhost.example.com", "https://example.com/?next=localhost", "a localhost"] {
            assert!(!is_local(far), "{far}");
        }
        assert!(named("http://a.example")[0].is_plain && named("redis://a.example").is_empty());
    }
}
