//! The signing keys of the settings: in files, and in tokens.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;

use super::held::{HeldError, first_certificate, read};
use crate::{
    config::{self, Padding},
    core::x509::Certificate,
    signing::{
        CadesSigner, IssuingKey,
        key::{RsaPadding, SoftwareKey},
        pkcs11::{KeyPlace, PinSource, Token, TokenFault, TokenKey, TokenName, TokenSettings},
        seal::SealImage,
    },
    trust,
};

/// The keys held, replaced as a whole.
pub type SharedKeys = Arc<ArcSwap<Vec<Arc<dyn IssuingKey>>>>;

/// Every key, each with its certificate. A key whose token is away is one too; one that is there must be that of its certificate.
pub fn keys(settings: &[config::SigningKey], tokens: &[config::Token]) -> Result<Vec<Arc<dyn IssuingKey>>, HeldError> {
    let mut opened = HashMap::new();
    for entry in tokens {
        // One that no key lies in is left alone.
        if settings.iter().any(|key| key.token.as_ref() == Some(&entry.name)) {
            let token = Token::of(&token_settings(entry))
                .map_err(|source| HeldError::Threads { name: entry.name.clone(), source })?;
            opened.insert(entry.name.as_str(), token);
        }
    }
    settings.iter().map(|entry| Ok(Arc::new(key(entry, &opened)?) as Arc<dyn IssuingKey>)).collect()
}

fn token_settings(entry: &config::Token) -> TokenSettings {
    // The settings were checked when they were read: one of each pair is there.
    let token = match (&entry.label, &entry.serial) {
        (Some(label), _) => TokenName::Label(label.clone()),
        (None, serial) => TokenName::Serial(serial.clone().unwrap_or_default()),
    };
    let pin = match (&entry.pin_file, &entry.pin_env) {
        (Some(path), _) => PinSource::File(path.clone()),
        (None, variable) => PinSource::Environment(variable.clone().unwrap_or_default()),
    };
    TokenSettings {
        name: entry.name.clone(),
        module: entry.module.clone(),
        token,
        pin,
        sessions: entry.sessions,
        timeout: Duration::from_secs(entry.timeout_seconds),
    }
}

fn key(entry: &config::SigningKey, tokens: &HashMap<&str, Arc<Token>>) -> Result<CadesSigner, HeldError> {
    let certificate = first_certificate(&entry.certificate)?;
    let mut chain = Vec::new();
    for path in &entry.chain {
        chain.extend(trust::read_certificates(path)?.into_iter().map(Arc::new));
    }
    let padding = match entry.padding {
        Padding::Pss => RsaPadding::Pss,
        Padding::Pkcs1 => RsaPadding::Pkcs1,
    };
    let image = match &entry.seal_image {
        None => None,
        Some(path) => {
            let image = SealImage::read(&read(path)?);
            Some(image.map_err(|source| HeldError::SealImage { path: path.clone(), source })?)
        }
    };
    let signer =
        match entry.token.as_deref().and_then(|name| tokens.get(name)) {
            Some(token) => {
                let key = token_key(entry, token, padding, &certificate)?;
                CadesSigner::new(&entry.name, key, certificate, &chain)
            }
            None => {
                let path = entry.file.clone().unwrap_or_default();
                let key = SoftwareKey::from_pem(&read(&path)?, padding, &certificate)
                    .map_err(|source| HeldError::Key { name: entry.name.clone(), path, source })?;
                CadesSigner::new(&entry.name, key, certificate, &chain)
            }
        };
    Ok(signer.with_seal_image(image).of_authority(entry.authority.clone(), entry.from, entry.until))
}

/// Asks the token for the key, which may be away: signing is refused as long as it is.
fn token_key(
    entry: &config::SigningKey,
    token: &Arc<Token>,
    padding: RsaPadding,
    certificate: &Arc<Certificate>,
) -> Result<TokenKey, HeldError> {
    let id = entry.id.as_ref().and_then(|id| hex::decode(id).ok());
    let place = KeyPlace { label: entry.label.clone(), id };
    let name = || entry.name.clone();
    let key = TokenKey::new(Arc::clone(token), place, padding, Arc::clone(certificate))
        .map_err(|source| HeldError::UnsupportedKey { name: name(), source })?;
    match key.prove() {
        Ok(()) => Ok(key),
        Err(source @ TokenFault::OtherCertificate { .. }) => Err(HeldError::OtherCertificate { name: name(), source }),
        Err(fault) => {
            tracing::error!(key = entry.name, %fault, "a key in a token cannot be used; nothing is signed with it until it can");
            Ok(key)
        }
    }
}
