//! Who asks, as far as addresses tell: the other end of the connection, or whom a reverse proxy of the settings asks for.

use std::net::IpAddr;

use axum::http::HeaderMap;

use crate::config::Network;

/// Hops that are looked at, the nearest first: each costs the asker a line of his own.
const MOST_HOPS: usize = 16;
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// The nearest address that is no trusted proxy's. What a proxy passes on unread from its own client is never reached: every hop to the right of
    /// it was written by somebody trusted.
    pub fn origin(self, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.holds(address));
        let lines: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok()).collect();
        let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim).take(MOST_HOPS);
        let mut origin = self.0;
        while is_trusted(origin) {
            match hops.next().and_then(address) {
                Some(before) => origin = before,
                // A proxy that does not say for whom it asks asks for itself.
                None => break,
            }
        }
        origin
    }
}

/// An address, of IPv6 perhaps in brackets, and perhaps with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(address, _)| address);
    let plain = bracketed.unwrap_or(text);
    plain.parse().ok().or_else(|| plain.rsplit_once(':').and_then(|(address, _)| address.parse().ok()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn origin(peer: &str, lines: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(line).expect("a header"));
        }
        let trusted: Vec<_> =
            trusted.iter().map(|text| Network::try_from((*text).to_owned()).expect("a network")).collect();
        Peer(peer.parse().expect("an address")).origin(&headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_say_for_whom_they_ask() {
        let proxy = ["127.0.0.1", "10.0.0.0/8"];
        assert_eq!(origin("203.0.113.7", &["198.51.100.1"], &proxy), "203.0.113.7", "a stranger's header is nothing");
        assert_eq!(origin("127.0.0.1", &["198.51.100.1"], &[]), "127.0.0.1");
        assert_eq!(origin("127.0.0.1", &["198.51.100.1"], &proxy), "198.51.100.1");
        assert_eq!(origin("127.0.0.1", &["1.1.1.1, 198.51.100.1, 10.1.2.3"], &proxy), "198.51.100.1");
        assert_eq!(origin("127.0.0.1", &["1.1.1.1", "198.51.100.1", "10.1.2.3"], &proxy), "198.51.100.1");
        assert_eq!(origin("::ffff:127.0.0.1", &["[2001:db8::1]:443"], &proxy), "2001:db8::1");
        assert_eq!(origin("127.0.0.1", &["198.51.100.1:80"], &proxy), "198.51.100.1");
        for none in [&[][..], &["unknown"], &[""], &["1.1.1.1, nobody"]] {
            assert_eq!(origin("127.0.0.1", none, &proxy), "127.0.0.1");
        }
    }
}
