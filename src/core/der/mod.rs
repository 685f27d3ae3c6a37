//! DER (X.690) read strictly and without copies, BER accepted in one place, DER written.
//!
//! * [`reader`] walks strict DER: definite minimal lengths, canonical primitives, offsets in every error.
//! * [`ber`] rewrites the BER envelope of a CMS message once, leaving what is signed untouched.
//! * [`writer`] builds DER from the inside out.

pub mod ber;
pub mod reader;
pub mod writer;

pub use reader::{DerError, DerFault, Reader, Tlv};

/// Identifier octets used in this code base.
pub mod tag {
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const NULL: u8 = 0x05;
    pub const OBJECT_IDENTIFIER: u8 = 0x06;
    pub const ENUMERATED: u8 = 0x0A;
    pub const UTF8_STRING: u8 = 0x0C;
    pub const PRINTABLE_STRING: u8 = 0x13;
    pub const TELETEX_STRING: u8 = 0x14;
    pub const IA5_STRING: u8 = 0x16;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const UNIVERSAL_STRING: u8 = 0x1C;
    pub const BMP_STRING: u8 = 0x1E;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;
    /// SEQUENCE and SET are always constructed: these identifiers are never right.
    pub const SEQUENCE_PRIMITIVE: u8 = 0x10;
    pub const SET_PRIMITIVE: u8 = 0x11;

    /// `[number]` around a constructed value.
    pub const fn context(number: u8) -> u8 {
        0xA0 | number
    }

    /// `[number] IMPLICIT` over a primitive value.
    pub const fn context_primitive(number: u8) -> u8 {
        0x80 | number
    }
}
