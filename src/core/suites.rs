//! Cryptographic suites as data of a policy (TS 119 312): until when it accepts digests and sizes of keys. A policy shortens what
//! [`super::algorithm`] allows, and never lengthens it.
//!
//! ```toml
//! [suites]
//! digests = [{ names = ["sha-256", "sha-384", "sha-512"] }]
//! rsa-keys = [{ from = 2048, until = "2028-12-31T23:59:59Z" }, { from = 3072 }]
//! ec-keys = [{ from = 256 }]
//! ```

use serde::Deserialize;

use super::algorithm::{DigestAlgorithm, KeyStrength, Lifetime, SignatureAlgorithm};
use super::path::{PathFault, Position, ValidatedPath};
use super::time::Time;

/// What a policy accepts, and until when. By default all that antin does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Suites {
    digests: Option<Vec<(DigestAlgorithm, Lifetime)>>,
    rsa_keys: Option<Vec<(u32, Lifetime)>>,
    ec_keys: Option<Vec<(u32, Lifetime)>>,
}

/// As it stands in a file. A table left out limits nothing; what a table does not list, its policy does not accept.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    digests: Option<Vec<WrittenDigests>>,
    rsa_keys: Option<Vec<WrittenKeys>>,
    ec_keys: Option<Vec<WrittenKeys>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDigests {
    names: Vec<String>,
    /// The last second; left out: no end.
    until: Option<Time>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKeys {
    /// Bits, of the modulus or of the curve's order: keys from this size on.
    from: u32,
    until: Option<Time>,
}

/// Suites that cannot be a policy's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SuitesFault {
    UnknownDigest(String),
    /// Named twice.
    Twice(String),
    /// Accepted for longer than antin does, or not by antin at all; until when antin does.
    TooLong(String, Lifetime),
}

impl std::fmt::Display for SuitesFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownDigest(name) => write!(formatter, "suites: no digest is called {name:?}"),
            Self::Twice(name) => write!(formatter, "suites: {name} is named twice"),
            Self::TooLong(name, Lifetime::Until(end)) => {
                write!(formatter, "suites: a policy only shortens, and {name} is accepted until {end}: give an `until`")
            }
            Self::TooLong(name, _) => write!(formatter, "suites: a policy only shortens, and {name} is never accepted"),
        }
    }
}

impl std::error::Error for SuitesFault {}

impl TryFrom<Written> for Suites {
    type Error = SuitesFault;

    fn try_from(written: Written) -> Result<Self, SuitesFault> {
        let digests = written.digests.map(|groups| {
            let mut digests: Vec<(DigestAlgorithm, Lifetime)> = Vec::new();
            for WrittenDigests { names, until } in groups {
                for name in names {
                    let Some(digest) = DigestAlgorithm::from_name(&name) else {
                        return Err(SuitesFault::UnknownDigest(name));
                    };
                    if digests.iter().any(|(earlier, _)| *earlier == digest) {
                        return Err(SuitesFault::Twice(name));
                    }
                    digests.push((digest, shortened(name, until, digest.lifetime())?));
                }
            }
            Ok(digests)
        });
        Ok(Self {
            digests: digests.transpose()?,
            rsa_keys: written.rsa_keys.map(|keys| sizes("RSA", keys, KeyStrength::Rsa)).transpose()?,
            ec_keys: written.ec_keys.map(|keys| sizes("EC", keys, KeyStrength::Ec)).transpose()?,
        })
    }
}

fn sizes(
    family: &str,
    written: Vec<WrittenKeys>,
    strength: fn(u32) -> KeyStrength,
) -> Result<Vec<(u32, Lifetime)>, SuitesFault> {
    let mut sizes: Vec<(u32, Lifetime)> = Vec::new();
    for WrittenKeys { from, until } in written {
        let name = format!("{family} from {from} bits");
        if sizes.iter().any(|(earlier, _)| *earlier == from) {
            return Err(SuitesFault::Twice(name));
        }
        sizes.push((from, shortened(name, until, strength(from).lifetime())?));
    }
    Ok(sizes)
}

fn shortened(name: String, until: Option<Time>, longest: Lifetime) -> Result<Lifetime, SuitesFault> {
    let lifetime = until.map_or(Lifetime::Unlimited, Lifetime::Until);
    if lifetime > longest { Err(SuitesFault::TooLong(name, longest)) } else { Ok(lifetime) }
}

impl Suites {
    /// How long signatures over the digest are accepted.
    pub fn digest(&self, digest: DigestAlgorithm) -> Lifetime {
        let Some(digests) = &self.digests else { return digest.lifetime() };
        let own =
            digests.iter().find(|(listed, _)| *listed == digest).map_or(Lifetime::Never, |(_, lifetime)| *lifetime);
        own.min(digest.lifetime())
    }

    /// As long as every digest in it is.
    pub fn signature(&self, algorithm: SignatureAlgorithm) -> Lifetime {
        match algorithm {
            SignatureAlgorithm::RsaPkcs1(digest) | SignatureAlgorithm::Ecdsa(digest) => self.digest(digest),
            SignatureAlgorithm::RsaPss(parameters) => {
                self.digest(parameters.digest).min(self.digest(parameters.mask_digest))
            }
        }
    }

    /// The longest that an entry for keys of at most this size gives.
    pub fn key(&self, strength: KeyStrength) -> Lifetime {
        let (sizes, bits) = match strength {
            KeyStrength::Rsa(bits) => (&self.rsa_keys, bits),
            KeyStrength::Ec(bits) => (&self.ec_keys, bits),
        };
        let Some(sizes) = sizes else { return strength.lifetime() };
        let own = sizes.iter().filter(|(from, _)| *from <= bits).map(|(_, lifetime)| *lifetime).max();
        own.unwrap_or(Lifetime::Never).min(strength.lifetime())
    }

    /// The first certificate of a valid path, the anchor's above them, whose key or signature the policy no longer accepts at `time`,
    /// or when it was used, where the path is judged as of then. The anchor's own signature proves nothing and is not asked for.
    pub fn fault(&self, path: &ValidatedPath, time: Time) -> Option<PathFault> {
        if *self == Self::default() {
            return None;
        }
        let used_at = |position: Position| path.used_at(position).unwrap_or(time);
        let fault = |position: Position| {
            let certificate = path.certificates().get(position).unwrap_or(path.anchor());
            let is_anchor = certificate == path.anchor();
            let signature = certificate.signature_algorithm.as_ref().map(|algorithm| self.signature(*algorithm));
            if !is_anchor && !signature.is_ok_and(|lifetime| lifetime.holds_at(used_at(position + 1))) {
                return Some(PathFault::WeakAlgorithm(position));
            }
            let key = certificate.public_key().map(|key| self.key(key.strength()));
            let holds = key.is_ok_and(|lifetime| lifetime.holds_at(used_at(position)));
            if holds { None } else { Some(PathFault::WeakKey(position)) }
        };
        // The anchor stands above the path, unless it is the target.
        let target_is_anchor = path.certificates().contains(path.anchor());
        let highest = path.certificates().len() - usize::from(target_is_anchor);
        (0..=highest).rev().find_map(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::policy::Policy;

    fn suites(text: &str) -> Result<Suites, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn a_policy_shortens_and_never_lengthens() {
        let end = "2028-12-31T23:59:59Z";
        let text = format!(
            "digests = [{{ names = ['sha-256'], until = '{end}' }}, {{ names = ['sha-512'] }}]\n\
             rsa-keys = [{{ from = 2048, until = '{end}' }}, {{ from = 3072 }}]"
        );
        let shorter = suites(&text).expect("suites");
        let end = Lifetime::Until(Time::parse_rfc3339(end).expect("a time"));
        assert_eq!(shorter.digest(DigestAlgorithm::Sha256), end);
        assert_eq!(shorter.digest(DigestAlgorithm::Sha512), Lifetime::Unlimited);
        assert_eq!(shorter.digest(DigestAlgorithm::Sha384), Lifetime::Never, "not listed");
        assert_eq!(shorter.signature(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256)), end);
        assert_eq!((shorter.key(KeyStrength::Rsa(2048)), shorter.key(KeyStrength::Rsa(3071))), (end, end));
        assert_eq!(shorter.key(KeyStrength::Rsa(4096)), Lifetime::Unlimited);
        assert_eq!(shorter.key(KeyStrength::Rsa(2047)), Lifetime::Never);
        assert_eq!(shorter.key(KeyStrength::Ec(256)), Lifetime::Unlimited, "no table");
        for (longer, why) in [
            ("digests = [{ names = ['sha-1'] }]", "never accepted"),
            ("digests = [{ names = ['sha-1'], until = '2000-01-01T00:00:00Z' }]", "never accepted"),
            ("digests = [{ names = ['md5'] }]", "no digest"),
            ("digests = [{ names = ['sha-256', 'sha-256'] }]", "twice"),
            ("rsa-keys = [{ from = 2048 }]", "until 2030-12-31"),
            ("rsa-keys = [{ from = 2048, until = '2031-01-01T00:00:00Z' }]", "until 2030-12-31"),
            ("rsa-keys = [{ from = 1024, until = '2020-01-01T00:00:00Z' }]", "never accepted"),
            ("rsa-keys = [{ from = 3072 }, { from = 3072 }]", "twice"),
            ("ec-keys = [{ from = 224 }]", "never accepted"),
            ("ecdsa = []", "unknown field"),
        ] {
            let error = suites(longer).expect_err(longer).to_string();
            assert!(error.contains(why), "{longer}: {error}");
        }
    }

    /// The policies that come with antin write out its own table.
    #[test]
    fn the_held_policies_accept_what_antin_does() {
        for id in Policy::held_ids() {
            let own = Policy::held(id).expect("held").suites;
            assert_ne!(own, Suites::default(), "{id} writes its suites out");
            for digest in DigestAlgorithm::ALL {
                assert_eq!(own.digest(digest), digest.lifetime(), "{id}: {digest}");
            }
            for bits in [256, 384, 521, 1024, 2047, 2048, 3071, 3072, 4096] {
                for strength in [KeyStrength::Rsa(bits), KeyStrength::Ec(bits)] {
                    assert_eq!(own.key(strength), strength.lifetime(), "{id}: {strength:?}");
                }
            }
        }
    }
}
