//! The five fields by which whoever holds a paper asks about it: file code, full name, birth date, gender, identity or passport number.
//!
//! People write one field in many ways. Here each becomes one text (`name`, `field`), and all five one digest under a key (`digest`),
//! which is all that is ever kept of them. It stands in the core because it is a pure function on which records rest: the same fields
//! must make the same digest in ten years, whatever kinds or requests look like by then.
//!
//! Two papers meet only if all five fields agree, and the number of an identity paper belongs to one person. So a field may forgive what
//! one person writes in two ways (case, blanks, the place of a tone mark), and never what two people are called.

pub mod digest;
mod field;
mod name;

pub use digest::{DIGEST_OCTETS, LookupDigest, LookupKey, LookupKeyId, WeakKey};
use name::{Name, NameForm};

/// The longest text of a field, in octets as it is sent.
pub const LONGEST_FIELD: usize = 256;

/// The five fields as somebody wrote them.
#[derive(Clone, Copy)]
pub struct WrittenFields<'a> {
    /// Mã hồ sơ, số phiếu.
    pub file_code: &'a str,
    pub full_name: &'a str,
    pub birth_date: &'a str,
    pub gender: &'a str,
    /// Of the identity card or passport.
    pub identity_number: &'a str,
}

/// What whoever asks is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupOutcome {
    /// Whatever the reason.
    NotFound,
    /// Its kind lets no more be told.
    Issued,
    InForce,
    NotInForce,
    /// The time for which its kind has it good is over.
    Expired,
    /// Its signature does not pass now.
    InDoubt,
}

impl LookupOutcome {
    pub const ALL: [Self; 6] =
        [Self::NotFound, Self::Issued, Self::InForce, Self::NotInForce, Self::Expired, Self::InDoubt];

    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "lookup-not-found",
            Self::Issued => "lookup-issued",
            Self::InForce => "lookup-in-force",
            Self::NotInForce => "lookup-not-in-force",
            Self::Expired => "lookup-expired",
            Self::InDoubt => "lookup-in-doubt",
        }
    }
}

/// One of the five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    FileCode,
    FullName,
    BirthDate,
    Gender,
    IdentityNumber,
}

impl Field {
    /// As requests and the files of kinds name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FileCode => "fileCode",
            Self::FullName => "fullName",
            Self::BirthDate => "birthDate",
            Self::Gender => "gender",
            Self::IdentityNumber => "identityNumber",
        }
    }
}

/// Which field breaks which rule; nothing of what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldFault {
    pub field: Field,
    pub rule: &'static str,
}

impl std::error::Error for FieldFault {}

impl std::fmt::Display for FieldFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} must {}", self.field.name(), self.rule)
    }
}

/// The five fields, each in its one spelling. Personal data: it cannot be printed, and lives as long as the request.
pub struct LookupFields {
    file_code: String,
    name: Name,
    birth_date: String,
    gender: &'static str,
    identity_number: String,
}

impl LookupFields {
    /// # Errors
    /// The first [`FieldFault`].
    pub fn normalise(written: &WrittenFields<'_>) -> Result<Self, FieldFault> {
        let fault = |field| move |rule| FieldFault { field, rule };
        Ok(Self {
            file_code: field::file_code(written.file_code).map_err(fault(Field::FileCode))?,
            name: Name::normalise(written.full_name).map_err(fault(Field::FullName))?,
            birth_date: field::birth_date(written.birth_date).map_err(fault(Field::BirthDate))?,
            gender: field::gender(written.gender).map_err(fault(Field::Gender))?,
            identity_number: field::identity_number(written.identity_number).map_err(fault(Field::IdentityNumber))?,
        })
    }

    pub fn file_code(&self) -> &str {
        &self.file_code
    }

    /// All but the name, in their order.
    fn without_name(&self) -> [&str; 4] {
        [&self.file_code, &self.birth_date, self.gender, &self.identity_number]
    }

    /// Both say the same of a document: what an order tells apart must agree with what the document itself says.
    pub fn agree(&self, other: &Self) -> bool {
        self.without_name() == other.without_name() && self.name.answers(&other.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: WrittenFields<'static> = WrittenFields {
        file_code: "LLTP.2026-00123",
        full_name: "Nguyễn Thị Hoà",
        birth_date: "1990-02-03",
        gender: "nữ",
        identity_number: "001190012345",
    };

    #[test]
    fn a_fault_names_its_field_and_nothing_that_was_written() {
        let secret = "bí mật!";
        let faulty = [
            (WrittenFields { file_code: secret, ..WRITTEN }, Field::FileCode),
            (WrittenFields { full_name: secret, ..WRITTEN }, Field::FullName),
            (WrittenFields { birth_date: secret, ..WRITTEN }, Field::BirthDate),
            (WrittenFields { gender: secret, ..WRITTEN }, Field::Gender),
            (WrittenFields { identity_number: secret, ..WRITTEN }, Field::IdentityNumber),
        ];
        for (written, field) in faulty {
            let fault = LookupFields::normalise(&written).err().expect("a fault");
            assert_eq!(fault.field, field);
            assert!(fault.to_string().starts_with(&format!("{} must ", field.name())), "{fault}");
            assert!(!fault.to_string().contains(secret));
        }
    }

    #[test]
    fn what_is_told_twice_must_agree() {
        let normal = |written| LookupFields::normalise(&written).expect("five fields");
        let held = normal(WRITTEN);
        assert!(held.agree(&normal(WrittenFields { full_name: "NGUYỄN THỊ HÒA", gender: "female", ..WRITTEN })));
        for other in [
            WrittenFields { file_code: "LLTP.2026-00124", ..WRITTEN },
            WrittenFields { full_name: "Nguyễn Thị Hoa", ..WRITTEN },
            WrittenFields { birth_date: "1990-03-02", ..WRITTEN },
            WrittenFields { gender: "nam", ..WRITTEN },
            WrittenFields { identity_number: "001190012346", ..WRITTEN },
        ] {
            assert!(!held.agree(&normal(other)));
        }
    }
}
