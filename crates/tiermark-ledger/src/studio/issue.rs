//! Signing: vendor records and hand-overs.

use super::{SIGN_KEY, Secrets, Studio, StudioError};
use crate::document::{Envelope, FrameList, FramesRoot, Handover, Nonce, Source, Tool, Vendor, Watermark};
use crate::keys::tree::Direction;
use crate::store::{HandoverRow, StoreError, VendorRow};
use crate::{Digest, Handle, Moment};
use time::OffsetDateTime;

/// A hand-over that was signed and recorded just now; none of its frames has left.
#[must_use = "its frames still have to be marked"]
pub struct Issued {
    /// The hand-over in the registry.
    pub row: HandoverRow,
    /// Its frames, numbered.
    pub frames: FrameList,
}

impl Studio {
    /// Signs and keeps the record of a vendor that has no keys.
    ///
    /// # Errors
    /// When there is a vendor of that name, the clock is behind, or the registry cannot be written to.
    pub fn add_vendor(
        &self,
        secrets: &Secrets,
        handle: &Handle,
        note: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<VendorRow, StudioError> {
        let added_at = self.signing_time(secrets, now)?;
        let note = note.map(crate::name::nfc);
        let vendor = Vendor { handle: handle.clone(), issuer: self.root(), added_at, note };
        let envelope = Envelope::seal(&vendor, &secrets.sign)?;
        Ok(self.registry.add_vendor(&envelope, &vendor)?)
    }

    /// Signs a hand-over of these files to a vendor and keeps it; after that they may be marked.
    ///
    /// # Errors
    /// When the files cannot stand in one hand-over, the clock is behind, or the registry cannot be written to.
    pub fn hand_over(
        &self,
        secrets: &Secrets,
        vendor: &VendorRow,
        sources: &[Source],
        now: OffsetDateTime,
    ) -> Result<Issued, StudioError> {
        let frames = FrameList::new(sources)?;
        let issued_at = self.signing_time(secrets, now)?;
        let mut document = self.first_link(secrets, vendor, &frames, issued_at)?;
        loop {
            let envelope = Envelope::seal(&document, &secrets.sign)?;
            match self.registry.add_handover(&envelope, &document, &frames) {
                // One in 2^64 for each hand-over there is; a second draw ends it.
                Err(StoreError::TwinMark(_)) => document.nonce = Nonce::draw()?,
                answer => return Ok(Issued { row: answer?, frames }),
            }
        }
    }

    fn first_link(
        &self,
        secrets: &Secrets,
        vendor: &VendorRow,
        frames: &FrameList,
        issued_at: Moment,
    ) -> Result<Handover, StudioError> {
        let (direction, depth) = (Direction::Down, 1);
        let slot = secrets.node(&self.project).slot(direction, depth);
        Ok(Handover {
            issuer: self.root(),
            recipient: vendor.party(),
            recipient_record: Some(vendor.record),
            recipient_delegation: None,
            issuer_delegation: None,
            upstream: Vec::new(),
            direction,
            depth,
            project: self.project.id,
            epoch: self.project.epoch,
            frames: FramesRoot::of(frames),
            frames_file: Digest::of(frames.file()),
            wm: Watermark::committing(&slot, frames),
            issued_at,
            nonce: Nonce::draw()?,
            tool: Tool::this(),
        })
    }

    /// Now, if a document signed now would be believed later.
    fn signing_time(&self, secrets: &Secrets, now: OffsetDateTime) -> Result<Moment, StudioError> {
        let now = Moment::at(now)?;
        let declared = self.party.signing_key(secrets.sign.public().kid());
        let (key, _) =
            declared.ok_or_else(|| StudioError::ForeignKey { path: self.folder.join(SIGN_KEY) })?;
        if key.counts_at(now) { Ok(now) } else { Err(StudioError::ClockBehind { now, from: key.from }) }
    }
}
