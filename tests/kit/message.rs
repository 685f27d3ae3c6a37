//! CMS messages written piece by piece (RFC 5652 §5), right unless a test makes them wrong.
//!
//! Fields whose names end in nothing special hold whole encodings; what is computed from others (the signature, the octets it
//! is over) is computed when the message is encoded, unless a test sets it.

use antin::core::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use antin::core::cms::build::attribute;
use antin::core::cms::signing_certificate;
use antin::core::crypto::digest;
use antin::core::der::{Reader, tag, writer};
use antin::core::oid;
use antin::core::x509::Certificate;

use super::key::{self, Key};
use super::tree::{NOW, Signer};

/// One `SignerInfo` to be written.
#[derive(Clone)]
pub struct SignerInfo {
    /// CMSVersion.
    pub version: u8,
    /// The whole `sid`.
    pub identifier: Vec<u8>,
    /// The whole `digestAlgorithm`.
    pub digest_algorithm: Vec<u8>,
    /// Whole attributes in the order they are written; `None` writes no `signedAttrs`.
    pub attributes: Option<Vec<Vec<u8>>>,
    /// Write the attributes in DER order, whatever their order above.
    pub sorted: bool,
    /// The whole `signedAttrs` with its `[0]`, in place of what the attributes give.
    pub attributes_element: Option<Vec<u8>>,
    /// The octets that are signed; `None`: the attributes as a DER SET OF, or the content.
    pub signed_octets: Option<Vec<u8>>,
    /// What the key computes.
    pub algorithm: SignatureAlgorithm,
    /// The whole `signatureAlgorithm`.
    pub signature_algorithm: Vec<u8>,
    /// The signature value; `None`: computed.
    pub signature: Option<Vec<u8>>,
    /// Whole attributes, as they stand.
    pub unsigned_attributes: Option<Vec<Vec<u8>>>,
    /// Written after the last field.
    pub trailer: Vec<u8>,
    content: Vec<u8>,
    key: Key,
    certificate: Vec<u8>,
}

impl SignerInfo {
    /// A CAdES B-B signer of `content` by the usual algorithm of the key.
    pub fn new(signer: &Signer, content: &[u8]) -> Self {
        let usual = if signer.key.rsa().is_ok() {
            SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256)
        } else {
            SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256)
        };
        Self::with_algorithm(signer, content, usual)
    }

    /// A CAdES B-B signer of `content`: content-type, message-digest, signing-time, signing-certificate-v2.
    pub fn with_algorithm(signer: &Signer, content: &[u8], algorithm: SignatureAlgorithm) -> Self {
        let attributes = vec![
            attribute(oid::CONTENT_TYPE, &writer::object_identifier(oid::DATA)),
            attribute(oid::SIGNING_TIME, &writer::time(NOW)),
            attribute(oid::MESSAGE_DIGEST, &writer::octet_string(&digest(algorithm.digest(), content))),
            signing_certificate::encode_v2(&signer.certificate),
        ];
        Self {
            version: 1,
            identifier: issuer_and_serial_number(&signer.certificate),
            digest_algorithm: digest_identifier(algorithm.digest().oid()),
            attributes: Some(attributes),
            sorted: true,
            attributes_element: None,
            signed_octets: None,
            algorithm,
            signature_algorithm: algorithm.encode(),
            signature: None,
            unsigned_attributes: None,
            trailer: Vec::new(),
            content: content.to_vec(),
            key: signer.key.clone(),
            certificate: signer.certificate.der().to_vec(),
        }
    }

    /// The same signer named by key identifier.
    pub fn by_key_identifier(mut self, identifier: &[u8]) -> Self {
        self.identifier = writer::element(tag::context_primitive(0), identifier);
        self.version = 3;
        self
    }

    fn list(&mut self) -> &mut Vec<Vec<u8>> {
        self.attributes.as_mut().expect("there are signed attributes")
    }

    /// The whole attribute of a type.
    pub fn attribute(&self, identifier: &[u8]) -> Vec<u8> {
        let found = self.attributes.iter().flatten().find(|whole| is_of_type(whole, identifier));
        found.expect("the attribute is there").clone()
    }

    /// Leaves an attribute out.
    pub fn remove(&mut self, identifier: &[u8]) {
        self.list().retain(|whole| !is_of_type(whole, identifier));
    }

    /// Gives an attribute other values: none, one, several.
    pub fn set(&mut self, identifier: &[u8], values: &[&[u8]]) {
        self.remove(identifier);
        self.add(&attribute(identifier, &values.concat()));
    }

    /// Adds a whole attribute.
    pub fn add(&mut self, whole: &[u8]) {
        self.list().push(whole.to_vec());
    }

    /// The octets that the signature is over.
    pub fn octets(&self) -> Vec<u8> {
        match (&self.signed_octets, &self.attributes) {
            (Some(octets), _) => octets.clone(),
            (None, Some(attributes)) => writer::set_of(attributes),
            (None, None) => self.content.clone(),
        }
    }

    /// The signature value as it will stand.
    pub fn signature_value(&self) -> Vec<u8> {
        self.signature.clone().unwrap_or_else(|| key::sign(&self.key, self.algorithm, &self.octets()))
    }

    pub fn encode(&self) -> Vec<u8> {
        let attributes = match (&self.attributes_element, &self.attributes) {
            (Some(element), _) => element.clone(),
            (None, Some(attributes)) if self.sorted => {
                let mut set = writer::set_of(attributes);
                set[0] = tag::context(0);
                set
            }
            (None, Some(attributes)) => writer::element(tag::context(0), &attributes.concat()),
            (None, None) => Vec::new(),
        };
        let unsigned = self.unsigned_attributes.as_ref();
        writer::sequence(&[
            &writer::unsigned(&[self.version]),
            &self.identifier,
            &self.digest_algorithm,
            &attributes,
            &self.signature_algorithm,
            &writer::octet_string(&self.signature_value()),
            &unsigned.map_or(Vec::new(), |attributes| writer::element(tag::context(1), &attributes.concat())),
            &self.trailer,
        ])
    }
}

/// One `ContentInfo` to be written.
#[derive(Clone)]
pub struct Message {
    /// Content octets of the outer content type.
    pub outer_type: Vec<u8>,
    pub version: u8,
    /// Whole algorithm identifiers, in the order they are written.
    pub digest_algorithms: Vec<Vec<u8>>,
    /// Content octets of `eContentType`.
    pub content_type: Vec<u8>,
    /// Octets of `eContent`; `None`: detached.
    pub content: Option<Vec<u8>>,
    /// The whole explicit `[0]` of `eContent` in place of what `content` gives.
    pub content_element: Option<Vec<u8>>,
    /// Encodings, in the order they are written; empty: no field.
    pub certificates: Vec<Vec<u8>>,
    /// Encodings; empty: no field.
    pub crls: Vec<Vec<u8>>,
    /// Whole signer infos.
    pub signers: Vec<Vec<u8>>,
}

impl Message {
    /// A message of one signer that carries its certificate; detached.
    pub fn detached(signer: SignerInfo) -> Self {
        Self::of(&[signer])
    }

    /// A message of one signer that carries its certificate and the content.
    pub fn enveloping(signer: SignerInfo) -> Self {
        let content = signer.content.clone();
        Self { content: Some(content), ..Self::of(&[signer]) }
    }

    /// A detached message of several signers.
    pub fn of(signers: &[SignerInfo]) -> Self {
        let mut digest_algorithms: Vec<Vec<u8>> = signers.iter().map(|info| info.digest_algorithm.clone()).collect();
        digest_algorithms.sort();
        digest_algorithms.dedup();
        let mut certificates: Vec<Vec<u8>> = signers.iter().map(|info| info.certificate.clone()).collect();
        certificates.sort();
        certificates.dedup();
        Self {
            outer_type: oid::SIGNED_DATA.to_vec(),
            version: 1,
            digest_algorithms,
            content_type: oid::DATA.to_vec(),
            content: None,
            content_element: None,
            certificates,
            crls: Vec::new(),
            signers: signers.iter().map(SignerInfo::encode).collect(),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let fields = self.fields();
        let fields: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
        self.wrap(&writer::sequence(&fields))
    }

    /// The fields of `SignedData` one by one.
    pub fn fields(&self) -> Vec<Vec<u8>> {
        let content = match (&self.content_element, &self.content) {
            (Some(element), _) => element.clone(),
            (None, Some(content)) => writer::element(tag::context(0), &writer::octet_string(content)),
            (None, None) => Vec::new(),
        };
        let mut fields = vec![
            writer::unsigned(&[self.version]),
            writer::element(tag::SET, &self.digest_algorithms.concat()),
            writer::sequence(&[&writer::object_identifier(&self.content_type), &content]),
        ];
        if !self.certificates.is_empty() {
            fields.push(writer::element(tag::context(0), &self.certificates.concat()));
        }
        if !self.crls.is_empty() {
            fields.push(writer::element(tag::context(1), &self.crls.concat()));
        }
        fields.push(writer::element(tag::SET, &self.signers.concat()));
        fields
    }

    /// The `ContentInfo` around an encoded `SignedData`.
    pub fn wrap(&self, signed_data: &[u8]) -> Vec<u8> {
        let explicit = writer::element(tag::context(0), signed_data);
        writer::sequence(&[&writer::object_identifier(&self.outer_type), &explicit])
    }
}

/// `IssuerAndSerialNumber` of a certificate.
pub fn issuer_and_serial_number(certificate: &Certificate) -> Vec<u8> {
    let serial_number = writer::element(tag::INTEGER, &certificate.serial_number);
    writer::sequence(&[certificate.issuer.der(), &serial_number])
}

/// An algorithm identifier without parameters.
pub fn digest_identifier(identifier: &[u8]) -> Vec<u8> {
    writer::sequence(&[&writer::object_identifier(identifier)])
}

/// Content octets of a dotted object identifier.
pub fn dotted(text: &str) -> Vec<u8> {
    oid::parse(text).expect("an object identifier")
}

fn is_of_type(whole: &[u8], identifier: &[u8]) -> bool {
    let read = || Reader::single(whole, tag::SEQUENCE)?.reader().read()?.object_identifier();
    read() == Ok(identifier)
}
