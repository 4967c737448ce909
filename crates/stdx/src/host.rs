//! Which host a request asked for, and whether that is this machine: what keeps pages elsewhere from pointing their own name
//! at 127.0.0.1 (DNS rebinding).

// Addresses alone: `core` knows no sockets.
use core::net::IpAddr;

/// The host of `user@host:port`, without the brackets of an IPv6 address; none if a bracket is not closed.
#[must_use]
pub fn host_of(authority: &str) -> Option<&str> {
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if authority.starts_with('[') {
        return authority.split_once(']').map(|(host, _)| &host[1..]);
    }
    Some(authority.split_once(':').map_or(authority, |(host, _)| host))
}

/// Whether a host is a loopback address or a name that is always this machine.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return ip.is_loopback();
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_out_of_authorities() {
        for (authority, host) in [
            ("localhost:4319", Some("localhost")),
            ("a@127.0.0.1", Some("127.0.0.1")),
            ("[::1]:9", Some("::1")),
            ("[::1", None),
            ("", Some("")),
        ] {
            assert_eq!(host_of(authority), host, "{authority}");
        }
        assert!(["LocalHost.", "127.9.9.9", "::1", "a.localhost"].into_iter().all(is_this_machine));
        assert!(!["evil.example", "127.0.0.1.evil.example", "0.0.0.0", ""].into_iter().any(is_this_machine));
    }
}
