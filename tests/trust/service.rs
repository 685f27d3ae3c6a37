//! The settings as one set, and the two stores of a service: documents and TLS clients.

use std::fs;

use antin::clock;
use antin::config::{Trust, TrustSource};
use antin::core::policy::Purpose;
use antin::service::trust::{LoadError, load};
use antin::trust::TrustError;

use super::{add, with_pki};

#[test]
fn limits_of_folder_and_entry_hold_together() {
    let directory = with_pki();
    let path = directory.path();
    assert_eq!(add(path, "pki/root.crt", &["--use", "signing", "--use", "ocsp"]).0, 0);
    let limits = toml::from_str("uses = ['ocsp', 'time-stamping']").expect("limits");
    let folder = TrustSource { path: path.join("trust"), limits };
    let mut settings = Trust { directories: vec![folder], ..Trust::default() };
    let loaded = load(&settings, None, clock::now()).expect("a set");
    let limits = loaded.store.anchors()[0].limits();
    assert!(limits.permits(Purpose::OcspSigning));
    assert!(!limits.permits(Purpose::DocumentSigning) && !limits.permits(Purpose::TimeStamping));
    // The same root once more without limits: which was meant cannot be told.
    settings.anchors = vec![path.join("pki/root.crt").into()];
    assert!(matches!(load(&settings, None, clock::now()), Err(LoadError::Conflict(_))));
}

#[test]
fn anything_wrong_in_the_set_leaves_nothing_of_it() {
    let directory = with_pki();
    let path = directory.path();
    assert_eq!(add(path, "pki/root.crt", &[]).0, 0);
    let settings = |file: &str| Trust {
        directories: vec![path.join("trust").into()],
        intermediates: vec![path.join(file)],
        ..Trust::default()
    };
    assert!(load(&settings("pki/ca.crt"), None, clock::now()).is_ok());
    assert!(matches!(load(&settings("pki/signers/health.crt"), None, clock::now()), Err(LoadError::NotACa { .. })));
    assert!(matches!(load(&settings("none.crt"), None, clock::now()), Err(LoadError::Trust(TrustError::Read { .. }))));
    fs::copy(path.join("pki/ca.crt"), path.join("trust/ca.crt")).expect("copied");
    let not_pinned = load(&settings("pki/ca.crt"), None, clock::now());
    assert!(matches!(not_pinned, Err(LoadError::Trust(TrustError::NotPinned { .. }))));
}
