//! The flood guard: whose requests are counted together. Counting is the platform's (`edge::flood`).

/// How the one address begins from which the Workers of all other zones come (Cloudflare, "HTTP headers": `CF-Connecting-IP`
/// in Worker subrequests).
const WORKERS: &str = "2a06:98c0:3600:";

/// What a client's requests are counted under: its IPv4 address, or the /64 of its IPv6 address, since one customer is
/// given at least that many (RFC 6177). What is no address is counted as it is written. (std's parser would be a
/// hundredth of the bundle.)
///
/// Workers of other zones have one address together. They are counted by their zone, which Cloudflare names in the `CF-Worker`
/// of what they send: a stranger's Worker uses up nobody else's requests.
pub fn counted_as(address: &str, zone: Option<&str>) -> String {
    let address = address.trim();
    if let Some(zone) = zone.filter(|_| address.to_ascii_lowercase().starts_with(WORKERS)) {
        return format!("worker of {zone}");
    }
    if !address.contains(':') {
        return address.to_owned();
    }
    if address.contains('.') {
        // An IPv4 address written as an IPv6 one: `::ffff:203.0.113.9`
        return address.rsplit(':').next().unwrap_or_default().to_owned();
    }
    let (head, tail) = address.split_once("::").unwrap_or((address, ""));
    let groups = |part: &str| if part.is_empty() { 0 } else { part.split(':').count() };
    let left_out = 8usize.saturating_sub(groups(head) + groups(tail));
    let zeros = std::iter::repeat_n("", left_out);
    let mut network = String::new();
    for group in head.split(':').filter(|group| !group.is_empty()).chain(zeros).chain(tail.split(':')).take(4)
    {
        network.push_str(&group.trim_start_matches('0').to_ascii_lowercase());
        network.push(':');
    }
    network.push_str(":/64");
    network
}

#[cfg(test)]
mod tests {
    use super::counted_as;

    #[test]
    fn an_address_is_counted_once_however_it_is_written() {
        for (address, wanted) in [
            ("203.0.113.9", "203.0.113.9"),
            (" 203.0.113.9 ", "203.0.113.9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:0DB8:1:2::1", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("2001:db8::1:2:3:4:5", "2001:db8::1::/64"),
            ("2001:db8:0:1:2:3:4:5", "2001:db8::1::/64"),
            ("2001:db8::1", "2001:db8::::/64"),
            ("2001:db8:0:0:5::1", "2001:db8::::/64"),
            ("::1", ":::::/64"),
            ("unknown", "unknown"),
        ] {
            assert_eq!(counted_as(address, None), wanted, "{address}");
        }
    }

    #[test]
    fn workers_of_other_zones_are_counted_by_their_zone() {
        let address = "2a06:98c0:3600::103";
        assert_eq!(counted_as(address, Some("a.example")), "worker of a.example");
        assert_eq!(counted_as(address, None), "2a06:98c0:3600:::/64");
        // A client's own header says nothing.
        assert_eq!(counted_as("203.0.113.9", Some("a.example")), "203.0.113.9");
    }

    #[test]
    fn what_is_no_address_is_counted_all_the_same() {
        for odd in ["", ":", "::", ":::", "::::::::::::", "1:2:3:4:5:6:7:8:9::1"] {
            counted_as(odd, None);
        }
    }
}
