//! The record of a vendor that has no keys of its own.

use super::{Document, statement};
use crate::{Digest, Handle, Kid, Moment};
use serde::{Deserialize, Serialize};

/// A producer's word that there is a vendor of this name, signed by the producer alone.
///
/// The id of this record names the vendor wherever the kid of a root key would stand. A vendor that enrols
/// later gets a delegation that points back here; hand-overs made before stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vendor {
    /// What the producer calls the vendor.
    pub handle: Handle,
    /// The root kid of the producer.
    pub issuer: Kid,
    /// When the record was made.
    pub added_at: Moment,
    /// Anything the producer wants to remember, in the clear.
    pub note: Option<String>,
}

impl Document for Vendor {
    const TYPE: &'static str = "tiermark:vendor/v1";
    const KIND: &'static str = "vendor";
    const NAME: &'static str = "vendor record";

    fn issuer(&self) -> Kid {
        self.issuer
    }

    fn made_at(&self) -> Moment {
        self.added_at
    }
}

impl statement::sealed::Sealed for Vendor {
    fn subject(&self) -> (&'static str, Digest) {
        ("vendor", Digest::of(self.handle.as_str().as_bytes()))
    }
}
