//! In which project a frame belongs, and who its recipient is there.

use tiermark_ledger::document::Up;
use tiermark_ledger::studio::{Ground, Recipient};
use tiermark_ledger::{DocId, StudioError};
use time::OffsetDateTime;

use super::scan::Scanned;
use super::{Outcome, StampError, Stamper, Status, To};
use crate::secrets::content_digest;

/// The recipient in each project, where there is one.
pub(super) struct Routes {
    recipients: Vec<Result<Recipient, String>>,
    /// Where a frame belongs that was never handed to us.
    usual: usize,
}

/// A frame, and the project that it belongs to.
pub(super) struct Routed {
    pub(super) ground: usize,
    pub(super) frame: Scanned,
}

impl Routes {
    /// The recipient in this project.
    pub(super) fn recipient(&self, ground: usize) -> Result<&Recipient, StampError> {
        self.recipients[ground].as_ref().map_err(|why| StudioError::MayNot(why.clone()).into())
    }
}

impl Stamper {
    /// Who is meant, in every project that we have a place in.
    pub(super) fn routes(&self, to: &To, now: OffsetDateTime) -> Result<Routes, StampError> {
        let studio = self.lock();
        let recipient = |ground: &Ground| match &to.recipient {
            Some(name) => studio.recipient_of(name, ground, to.what(), now),
            None => studio.above(ground),
        };
        let recipients: Vec<_> = self.grounds.iter().map(recipient).collect();
        let usual = match &to.project_of {
            Some(producer) => {
                let (root, handle) = studio.party_named(producer)?;
                let of = self.best(to, |ground| ground.root == root);
                let none = || StudioError::MayNot(format!("{handle} has delegated nothing to this studio"));
                of.ok_or_else(none)?
            }
            // A delegate of ours stands in one project as a rule: what we draw for it belongs there.
            None => {
                let keyed = |r: &Result<Recipient, StudioError>| r.as_ref().is_ok_and(|r| r.root.is_some());
                recipients.iter().position(keyed).unwrap_or(0)
            }
        };
        // Nobody of that name anywhere: a slip, and nothing is read or signed for it.
        let somewhere = recipients.iter().any(Result::is_ok);
        let mut kept = Vec::with_capacity(recipients.len());
        for (index, recipient) in recipients.into_iter().enumerate() {
            match recipient {
                Err(error) if index == usual && !somewhere => return Err(error.into()),
                other => kept.push(other.map_err(|error| error.to_string())),
            }
        }
        Ok(Routes { recipients: kept, usual })
    }

    /// Where one frame belongs: with what it was handed to us, by its bytes, by the values in it, or by its name.
    pub(super) fn routed(&self, routes: &Routes, to: &To, frame: Scanned) -> Result<Routed, Box<Outcome>> {
        let failed =
            |path: &std::path::Path, status: Status, why: String| Outcome::not(status, path.to_owned(), why);
        let path = frame.input.path.clone();
        let above =
            self.above_of(to, &frame).map_err(|error| failed(&path, Status::Failed, error.to_string()))?;
        let Some(above) = above else {
            return Ok(Routed { ground: routes.usual, frame });
        };
        let Above { ground, up } = above.map_err(|why| failed(&path, Status::Refused, why))?;
        let mut frame = frame;
        frame.source.up = Some(up);
        Ok(Routed { ground, frame })
    }

    /// The frame that was handed to us and that this one is, or was made from.
    fn above_of(&self, to: &To, frame: &Scanned) -> Result<Option<Result<Above, String>>, StampError> {
        let studio = self.lock();
        let us = studio.root();
        for (id, row) in studio.registry().find_output(frame.source.sha256, frame.source.pix)? {
            let Some((handover, _)) = studio.registry().handover_by_mark(id.mark_id())? else { continue };
            if handover.issuer == us {
                let why =
                    "is the marked copy of another recipient already; stamp the unmarked original instead";
                return Ok(Some(Err(why.to_owned())));
            }
            if handover.recipient == us.into() {
                let up = Up { handover: id, i: row.record.i, content: content_digest(&row.record) };
                return Ok(self.ground_of(&studio, to, id)?.map(|ground| Ok(Above { ground, up })));
            }
        }
        let size = (frame.source.w, frame.source.h);
        let named = studio.registry().find_received(us.into(), &frame.source.name, size)?;
        let Some((id, i)) = named else { return Ok(None) };
        let Some(row) = studio.registry().frame(id, i)? else { return Ok(None) };
        let up = Up { handover: id, i, content: content_digest(&row.record) };
        Ok(self.ground_of(&studio, to, id)?.map(|ground| Ok(Above { ground, up })))
    }

    /// The project of a hand-over to us.
    fn ground_of(
        &self,
        studio: &tiermark_ledger::Studio,
        to: &To,
        id: DocId,
    ) -> Result<Option<usize>, StampError> {
        let Some((handover, _)) = studio.registry().handover_by_mark(id.mark_id())? else { return Ok(None) };
        Ok(self.best(to, |ground| {
            ground.delegation.is_some()
                && (ground.project, ground.epoch) == (handover.project, handover.epoch)
        }))
    }

    /// Of our places that fit, one whose delegation covers the material; of those the one that lasts longest.
    fn best(&self, to: &To, fits: impl Fn(&Ground) -> bool) -> Option<usize> {
        let places = self.grounds.iter().enumerate().filter(|(_, ground)| fits(ground));
        let worth = |ground: &Ground| {
            ground.given.as_ref().map(|given| (given.scope.covers(to.what()), given.not_after))
        };
        places.max_by_key(|(_, ground)| worth(ground)).map(|(index, _)| index)
    }
}

/// The frame above one, and the project that it belongs to.
struct Above {
    ground: usize,
    up: Up,
}
