//! Addresses of reverse proxies, which say for whom they ask.

use std::net::IpAddr;

use serde::Deserialize;

/// An address, or all that begin with so many bits of it: `127.0.0.1`, `10.0.0.0/8`, `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// Neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address and no network such as 10.0.0.0/8")]
pub struct InvalidNetwork(String);

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Self, InvalidNetwork> {
        let (address, bits) =
            text.split_once('/').map_or((text.as_str(), None), |(address, bits)| (address, Some(bits)));
        let network = address.parse::<IpAddr>().ok().and_then(|address| {
            let longest = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Some(longest), |bits| bits.parse().ok().filter(|bits| *bits <= longest))?;
            Some(Self {
                address: address.to_canonical(),
                bits: if address.is_ipv4() { bits } else { canonical(address, bits)? },
            })
        });
        network.ok_or(InvalidNetwork(text))
    }
}

/// Bits of an IPv6 address, or of the IPv4 address that it stands for.
fn canonical(address: IpAddr, bits: u32) -> Option<u32> {
    if address.to_canonical().is_ipv4() { bits.checked_sub(96) } else { Some(bits) }
}

impl Network {
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => shares(own.to_bits().into(), other.to_bits().into(), 32, self.bits),
            (IpAddr::V6(own), IpAddr::V6(other)) => shares(own.to_bits(), other.to_bits(), 128, self.bits),
            _ => false,
        }
    }
}

fn shares(one: u128, other: u128, length: u32, bits: u32) -> bool {
    (one ^ other).checked_shr(length - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Option<Network> {
        Network::try_from(text.to_owned()).ok()
    }

    #[test]
    fn a_network_holds_what_begins_as_it_does() {
        let holds = |text: &str, address: &str| network(text).expect(text).holds(address.parse().expect("an address"));
        assert!(holds("127.0.0.1", "127.0.0.1") && !holds("127.0.0.1", "127.0.0.2"));
        assert!(holds("10.0.0.0/8", "10.255.1.2") && !holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("0.0.0.0/0", "203.0.113.7") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("::/0", "2001:db8::1") && holds("fd00::/8", "fd12::1") && !holds("fd00::/8", "fe80::1"));
        assert!(holds("127.0.0.1", "::ffff:127.0.0.1") && holds("::ffff:10.0.0.0/104", "10.1.2.3"));
        for text in ["", "a", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8", "10.0.0.0/-1", "::ffff:10.0.0.0/64"] {
            assert_eq!(network(text), None, "{text}");
        }
    }
}
