//! Signing: vendor records and hand-overs.

use super::{Ground, Recipient, SIGN_KEY, Secrets, Studio, StudioError};
use crate::chain;
use crate::document::{Envelope, FrameList, FramesRoot, Handover, Nonce, Source, Tool, Vendor, Watermark};
use crate::keys::tree::Direction;
use crate::store::{HandoverRow, StoreError, VendorRow};
use crate::{Digest, Handle, MarkId, Moment};
use time::OffsetDateTime;

/// A hand-over that was signed and recorded just now; none of its frames has left.
#[must_use = "its frames still have to be marked"]
pub struct Issued {
    /// The hand-over in the registry.
    pub row: HandoverRow,
    /// Its frames, numbered.
    pub frames: FrameList,
}

/// What is to be handed to whom, and where in the chain.
#[derive(Clone)]
pub struct Order<'a> {
    /// The project, and our place in it.
    pub ground: &'a Ground,
    /// Who gets it.
    pub recipient: &'a Recipient,
    /// Down, or back up.
    pub direction: Direction,
    /// The episode, where delegations are limited to some.
    pub episode: Option<String>,
    /// The kind of material, where delegations are limited to some.
    pub kind: Option<String>,
}

impl<'a> Order<'a> {
    /// Down to a recipient, of no particular episode or kind.
    pub fn down(ground: &'a Ground, recipient: &'a Recipient) -> Self {
        Self { ground, recipient, direction: Direction::Down, episode: None, kind: None }
    }

    /// The place of the mark: one below ours, or our own for what goes back up.
    pub fn depth(&self) -> u8 {
        match self.direction {
            Direction::Down => self.ground.depth + 1,
            Direction::Up => self.ground.depth,
        }
    }
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

    /// Signs a hand-over of these files in our own project and keeps it; after that they may be marked.
    ///
    /// # Errors
    /// As [`Studio::issue`].
    pub fn hand_over(
        &self,
        secrets: &Secrets,
        vendor: &VendorRow,
        sources: &[Source],
        now: OffsetDateTime,
    ) -> Result<Issued, StudioError> {
        let grounds = self.grounds(secrets)?;
        let recipient = Recipient::from(vendor);
        let order = Order::down(&grounds[0], &recipient);
        self.issue(secrets, &order, sources, now)
    }

    /// Signs a hand-over of these files and keeps it; after that they may be marked.
    ///
    /// # Errors
    /// When we may not give this to the recipient, the files cannot stand in one hand-over, the clock is behind, or the
    /// registry cannot be written to.
    pub fn issue(
        &self,
        secrets: &Secrets,
        order: &Order<'_>,
        sources: &[Source],
        now: OffsetDateTime,
    ) -> Result<Issued, StudioError> {
        let frames = FrameList::new(sources)?;
        let issued_at = self.signing_time(secrets, now)?;
        let mut document = self.handover(order, &frames, issued_at)?;
        loop {
            let envelope = Envelope::seal(&document, &secrets.sign)?;
            // What nobody could verify later is not signed: the rules are asked before anything leaves.
            chain::may_be_issued(&self.registry, &document, order.ground.root)?;
            match self.registry.add_handover(&envelope, &document, &frames) {
                // One in 2^64 for each hand-over there is; a second draw ends it.
                Err(StoreError::TwinMark(_)) => document.nonce = Nonce::draw()?,
                answer => return Ok(Issued { row: answer?, frames }),
            }
        }
    }

    /// Whether a hand-over like this would be signed now; nothing is.
    ///
    /// # Errors
    /// As [`Studio::issue`].
    pub fn may_issue(&self, order: &Order<'_>, now: OffsetDateTime) -> Result<(), StudioError> {
        let document = self.handover(order, &FrameList::none(), Moment::at(now)?)?;
        Ok(chain::may_be_issued(&self.registry, &document, order.ground.root)?)
    }

    /// What the secrets of a hand-over's receiver in the closed set hang on, as its text says; `None` if it is not filed.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn closed_name(&self, mark: MarkId) -> Result<Option<[u8; 32]>, StudioError> {
        let Some((_, envelope)) = self.registry.handover_by_mark(mark)? else { return Ok(None) };
        Ok(envelope.claim::<Handover>().ok().map(|handover| handover.closed_name()))
    }

    fn handover(
        &self,
        order: &Order<'_>,
        frames: &FrameList,
        issued_at: Moment,
    ) -> Result<Handover, StudioError> {
        let Order { ground, recipient, direction, .. } = *order;
        let depth = order.depth();
        let slot = ground.node.slot(direction, depth);
        let newest = self.registry.newest_note(&self.registry.log_origin(self.root())?)?;
        Ok(Handover {
            issuer: self.root(),
            recipient: recipient.party,
            recipient_record: recipient.record,
            recipient_delegation: recipient.delegation,
            issuer_delegation: ground.delegation,
            upstream: frames.upstream().into_iter().collect(),
            direction,
            depth,
            project: ground.project,
            epoch: ground.epoch,
            episode: order.episode.clone(),
            kind: order.kind.clone(),
            after: newest.map(|note| note.digest()),
            frames: FramesRoot::of(frames),
            frames_file: Digest::of(frames.file()),
            wm: Watermark::committing(&slot, frames),
            issued_at,
            nonce: Nonce::draw()?,
            tool: Tool::this(),
        })
    }

    /// Now, if a document signed now would be believed later.
    pub(super) fn signing_time(&self, secrets: &Secrets, now: OffsetDateTime) -> Result<Moment, StudioError> {
        let now = Moment::at(now)?;
        let declared = self.party.signing_key(secrets.sign.public().kid());
        let (key, _) =
            declared.ok_or_else(|| StudioError::ForeignKey { path: self.folder.join(SIGN_KEY) })?;
        if key.counts_at(now) { Ok(now) } else { Err(StudioError::ClockBehind { now, from: key.from }) }
    }
}
