//! Which addresses a request may go to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Routed on the public Internet.
    Global,
    /// Of this machine or its site: loopback (127/8, ::1), private (RFC 1918, RFC 6598, RFC 4193).
    Private,
    /// Nothing a document may be fetched from: unspecified, link-local with the metadata services of clouds, multicast,
    /// reserved, for documentation, or an IPv6 form that hides another address.
    Never,
}

/// Classifies by the IANA special-purpose registries (RFC 6890); what is not known to be global is not.
pub fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_of_v4(address),
        IpAddr::V6(address) => reach_of_v6(address),
    }
}

fn reach_of_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [10, ..] | [127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Reach::Private,
        // "This network", link-local, IETF protocols, documentation, 6to4 relays, benchmarks, multicast, reserved.
        [0, ..]
        | [169, 254, ..]
        | [192, 0, 0, _]
        | [192, 0, 2, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [224..=255, ..] => Reach::Never,
        _ => Reach::Global,
    }
}

fn reach_of_v6(address: Ipv6Addr) -> Reach {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return reach_of_v4(mapped);
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        // Metadata services of clouds inside the unique local range.
        [0xFD00, 0x0EC2, ..] | [0xFD20, 0x00CE, ..] => Reach::Never,
        [0xFC00..=0xFDFF, ..] => Reach::Private,
        // NAT64 (RFC 6052) reaches what the IPv4 address in it reaches.
        [0x0064, 0xFF9B, 0, 0, 0, 0, high, low] => {
            let [first, second] = high.to_be_bytes();
            let [third, fourth] = low.to_be_bytes();
            match reach_of_v4(Ipv4Addr::new(first, second, third, fourth)) {
                Reach::Global => Reach::Global,
                _ => Reach::Never,
            }
        }
        // IETF protocols with Teredo, documentation, 6to4.
        [0x2001, 0..=0x01FF, ..] | [0x2001, 0x0DB8, ..] | [0x2002, ..] | [0x3FFF, 0..=0x0FFF, ..] => Reach::Never,
        [0x2000..=0x3FFF, ..] => Reach::Global,
        _ => Reach::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_be_global_is() {
        let cases: [(&[&str], Reach); 3] = [
            (
                &["1.1.1.1", "172.15.0.1", "172.32.0.1", "2606:4700::1", "::ffff:1.1.1.1", "64:ff9b::101:101"],
                Reach::Global,
            ),
            (
                &[
                    "127.0.0.1",
                    "127.9.9.9",
                    "10.0.0.1",
                    "172.16.0.1",
                    "192.168.1.1",
                    "100.64.0.1",
                    "::1",
                    "fd12::1",
                    "::ffff:10.0.0.1",
                ],
                Reach::Private,
            ),
            (
                &[
                    "0.0.0.0",
                    "0.1.2.3",
                    "169.254.169.254",
                    "192.0.2.1",
                    "198.18.0.1",
                    "224.0.0.1",
                    "240.0.0.1",
                    "255.255.255.255",
                    "::",
                    "::7f00:1",
                    "fe80::1",
                    "fec0::1",
                    "ff02::1",
                    "2001:db8::1",
                    "2002:7f00:1::",
                    "2001::1",
                    "fd00:ec2::254",
                    "::ffff:169.254.169.254",
                    "64:ff9b::7f00:1",
                    "64:ff9b:1::1",
                    "100::1",
                ],
                Reach::Never,
            ),
        ];
        for (addresses, expected) in cases {
            for address in addresses {
                assert_eq!(reach(address.parse().expect("an address")), expected, "{address}");
            }
        }
    }
}
