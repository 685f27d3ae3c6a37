//! Whether an issued paper still stands, and which change of standing is allowed.

use super::{
    RegistryError,
    record::{DocumentId, check_text, named},
};
use crate::core::time::Time;

/// The longest reason, in bytes.
pub const LONGEST_REASON: usize = 1000;
/// The most status changes recorded for one document.
pub const MOST_STATUS_CHANGES: usize = 1000;

named! {
    /// The standing of an issued document.
    DocumentState {
        InForce = "in-force",
        /// For a while; can come back into force.
        Suspended = "suspended",
        /// For good.
        Withdrawn = "withdrawn",
        /// Replaced by another document.
        Superseded = "superseded",
        /// A single-use paper that was presented.
        Used = "used",
    }
}

impl DocumentState {
    /// Whether this standing may turn into `next`.
    ///
    /// Withdrawing is always possible and final: what was withdrawn by mistake is issued anew. To use is possible once
    /// and only in force, so that a single-use paper is accepted by one reader. Staying as it is, is no change.
    pub const fn may_become(self, next: Self) -> bool {
        use DocumentState::{InForce, Superseded, Suspended, Used, Withdrawn};
        match (self, next) {
            (InForce, Suspended | Withdrawn | Superseded | Used) => true,
            (Suspended, InForce | Withdrawn | Superseded) => true,
            (Superseded | Used, Withdrawn) => true,
            (InForce | Suspended | Superseded | Used | Withdrawn, _) => false,
        }
    }
}

/// One change of standing: asked for, and as the history keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusChange {
    pub state: DocumentState,
    /// The document that takes its place; with [`DocumentState::Superseded`] only, and optional there (the successor may
    /// have been issued elsewhere).
    pub superseded_by: Option<DocumentId>,
    /// Who ordered it: 1–256 bytes of printable text.
    pub client: String,
    pub at: Time,
    /// 1–1000 bytes of printable text; no personal data.
    pub reason: String,
}

impl StatusChange {
    /// Every text within its length, and a successor only where there can be one.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] names the field.
    pub fn check(&self) -> Result<(), RegistryError> {
        let printable = |letter: char| !letter.is_control();
        let client_rule = "1 to 256 bytes of printable text";
        check_text("client", &self.client, super::LONGEST_CLIENT, printable, client_rule)?;
        check_text("reason", &self.reason, LONGEST_REASON, printable, "1 to 1000 bytes of printable text")?;
        if self.superseded_by.is_some() && self.state != DocumentState::Superseded {
            return Err(RegistryError::Invalid { field: "supersededBy", rule: "given with state superseded only" });
        }
        Ok(())
    }
}

/// The standing of an issued document now, and how it came to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentStatus {
    pub state: DocumentState,
    /// When this state was entered: the last change, or the signing.
    pub since: Time,
    pub superseded_by: Option<DocumentId>,
    /// Every change since the signing, oldest first; empty if the document was always in force.
    pub history: Vec<StatusChange>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_changes_is_the_one_meant() {
        use DocumentState::{InForce, Superseded, Suspended, Used, Withdrawn};
        let allowed: Vec<_> = DocumentState::ALL
            .iter()
            .flat_map(|from| DocumentState::ALL.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.may_become(*to))
            .collect();
        assert_eq!(
            allowed,
            [
                (InForce, Suspended),
                (InForce, Withdrawn),
                (InForce, Superseded),
                (InForce, Used),
                (Suspended, InForce),
                (Suspended, Withdrawn),
                (Suspended, Superseded),
                (Superseded, Withdrawn),
                (Used, Withdrawn),
            ]
        );
    }

    #[test]
    fn a_change_is_bounded() {
        let change = StatusChange {
            state: DocumentState::Withdrawn,
            superseded_by: None,
            client: "issuing-system".to_owned(),
            at: Time::from_unix(0),
            reason: "Cấp sai".to_owned(),
        };
        assert!(change.check().is_ok());
        let successor = StatusChange { superseded_by: Some(DocumentId::from_bytes([0; 16])), ..change.clone() };
        assert!(matches!(successor.check(), Err(RegistryError::Invalid { field: "supersededBy", .. })));
        for reason in [String::new(), "line\nbreak".to_owned(), "a".repeat(LONGEST_REASON + 1)] {
            let bad = StatusChange { reason, ..change.clone() };
            assert!(matches!(bad.check(), Err(RegistryError::Invalid { field: "reason", .. })));
        }
    }
}
