//! Where requests may come from (G-031): single addresses, and networks as operators write them, `192.0.2.0/24`.

use std::net::IpAddr;

/// An address or a network of either family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The first address, as one of the newer family: an older one lies below `::ffff:0:0/96` there.
    first: u128,
    /// How many of its bits count.
    bits: u32,
}

impl Source {
    /// Reads `198.51.100.7`, `2001:db8::/32` and the like; `None` for anything else, and for a network whose address has
    /// bits beyond those that count, which is most likely not the network that was meant.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let widest: u32 = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
            None => widest,
        };
        let bits = 128_u32.checked_sub(widest.checked_sub(length)?)?;
        let first = number(address);
        (first & !mask(bits) == 0).then_some(Self { first, bits })
    }

    /// Whether this address is the one, or in the network.
    pub fn covers(self, address: IpAddr) -> bool {
        number(address) & mask(self.bits) == self.first
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn mask(bits: u32) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(bits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-031
    #[test]
    fn a_source_is_an_address_or_a_network() {
        for (source, inside, outside) in [
            ("198.51.100.7", "198.51.100.7", "198.51.100.8"),
            ("198.51.100.0/24", "198.51.100.255", "198.51.101.0"),
            ("198.51.100.128/25", "::ffff:198.51.100.128", "198.51.100.127"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::ffff:198.51.100.7", "198.51.100.7", "198.51.100.8"),
            ("::/0", "2001:db8::1", ""),
        ] {
            let source = Source::parse(source).unwrap();
            assert!(source.covers(inside.parse().unwrap()), "{source:?} has {inside}");
            assert!(outside.parse().map_or(true, |it| !source.covers(it)), "{source:?} has {outside}");
        }
        for wrong in
            ["", "somewhere", "198.51.100.7/24", "198.51.100.0/33", "198.51.100.0/", "::/129", "1.2.3.0/+4"]
        {
            assert_eq!(Source::parse(wrong), None, "{wrong}");
        }
    }
}
