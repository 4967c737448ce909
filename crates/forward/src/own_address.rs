//! Refuses to send on to ourselves: every span would come back for ever.

use std::net::{IpAddr, SocketAddr};

use http::Uri;

/// Whether `destination` is one of the addresses that this process listens on. `resolve` answers the addresses of a host
/// name; a name that cannot be resolved is not ours as far as anybody can tell.
#[must_use]
pub fn is_own_address(destination: &Uri, listening: &[SocketAddr], resolve: impl Fn(&str) -> Vec<IpAddr>) -> bool {
    let Some(host) = destination.host() else { return false };
    let port = destination.port_u16().unwrap_or(if destination.scheme_str() == Some("https") { 443 } else { 80 });
    let ours: Vec<IpAddr> = listening.iter().filter(|own| own.port() == port).map(SocketAddr::ip).collect();
    if ours.is_empty() {
        return false;
    }
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let named = match host.parse::<IpAddr>() {
        Ok(ip) => vec![ip],
        Err(_) if host.eq_ignore_ascii_case("localhost") => {
            vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([0_u16, 0, 0, 0, 0, 0, 0, 1])]
        }
        Err(_) => resolve(host),
    };
    named.iter().any(|ip| ours.iter().any(|own| reaches(*ip, *own)))
}

/// Whether a connection to `ip` arrives at a socket bound to `own`. One bound to every address is reached by loopback
/// and by the wildcard itself; that it is reached by this machine's outer addresses cannot be seen from here.
fn reaches(ip: IpAddr, own: IpAddr) -> bool {
    let local = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
    ip == own || (local(ip) && (own.is_unspecified() || (ip.is_unspecified() && own.is_loopback())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(destination: &str, listening: &str, own: bool) {
        let resolve = |host: &str| match host {
            "me.example" => vec![IpAddr::from([10, 0, 0, 5])],
            _ => Vec::new(),
        };
        let uri = destination.parse().expect("valid");
        let listening = [listening.parse().expect("valid")];
        assert_eq!(is_own_address(&uri, &listening, resolve), own, "{destination} {listening:?}");
    }

    #[test]
    fn our_own_address_is_known_in_its_many_spellings() {
        check("http://localhost:4318/v1/traces", "127.0.0.1:4318", true);
        check("http://LOCALHOST:4318", "[::1]:4318", true);
        check("http://127.0.0.1:4318", "0.0.0.0:4318", true);
        check("http://0.0.0.0:4318", "127.0.0.1:4318", true);
        check("http://[::1]:4318", "[::]:4318", true);
        check("http://me.example:4318", "10.0.0.5:4318", true);
        check("http://localhost:4319", "127.0.0.1:4318", false);
        check("http://tempo:4318", "127.0.0.1:4318", false);
        check("http://127.0.0.2:4318", "127.0.0.1:4318", false);
        check("https://localhost", "127.0.0.1:443", true);
    }
}
