//! `[trust]`: what ends a path, and what links to it.

use std::fmt;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::core::x509::AnchorLimits;

/// Everything that is held as trusted for documents. The authorities of TLS clients are `[mutual-tls]`'s and never these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Trust {
    /// Folders with a manifest.
    pub directories: Vec<TrustSource>,
    /// Files of anchors.
    pub anchors: Vec<TrustSource>,
    pub intermediates: Vec<PathBuf>,
    pub list: Option<TrustList>,
}

/// A file or folder of anchors: its path, or `{ path, limits }` where they are for some things only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustSource {
    pub path: PathBuf,
    pub limits: AnchorLimits,
}

/// A signed trust list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrustList {
    pub file: PathBuf,
    /// SHA-256 fingerprint (hex) of the certificate of who may sign it.
    pub signer_sha256: String,
    /// Where the highest sequence number seen is kept. Back it up; with it goes what keeps an older list from coming back.
    #[serde(default = "default_state_file")]
    pub state_file: PathBuf,
}

fn default_state_file() -> PathBuf {
    PathBuf::from("trust-list-state.json")
}

impl From<PathBuf> for TrustSource {
    fn from(path: PathBuf) -> Self {
        Self { path, limits: AnchorLimits::NONE }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    path: PathBuf,
    #[serde(default)]
    limits: AnchorLimits,
}

impl<'de> Deserialize<'de> for TrustSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = TrustSource;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a path, or { path = \"…\", limits = { … } }")
            }

            fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<TrustSource, E> {
                Ok(PathBuf::from(path).into())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TrustSource, A::Error> {
                let Written { path, limits } = Written::deserialize(MapAccessDeserializer::new(map))?;
                Ok(TrustSource { path, limits })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::policy::Purpose;

    #[test]
    fn a_source_is_a_path_with_or_without_limits() {
        let text = "anchors = ['a.crt', { path = 'b.crt', limits = { uses = ['time-stamping'] } }]";
        let trust: Trust = toml::from_str(text).expect("settings");
        assert_eq!(trust.anchors[0], PathBuf::from("a.crt").into());
        assert!(!trust.anchors[1].limits.permits(Purpose::DocumentSigning));
        for wrong in ["anchors = [1]", "anchors = [{ limits = {} }]", "anchors = [{ path = 'a', use = 'x' }]"] {
            assert!(toml::from_str::<Trust>(wrong).is_err(), "{wrong}");
        }
    }
}
