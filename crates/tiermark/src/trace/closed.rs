//! The closed set of a picture: everybody whom this very drawing was handed to, each tested with a key of its own.

use std::collections::BTreeMap;

use tiermark_ledger::keys::tree::{Direction, NodeSecret};
use tiermark_ledger::studio::{Branch, Ground};
use tiermark_ledger::{Digest, Handle, Kid, MarkId, Studio, StudioError};
use tiermark_mark::{Evidence, FalseAlarm, MarkKey, Scores, WAYS};

use super::reader::SlotPlace;
use crate::secrets::{closed_key, content_digest};

/// Hand-overs of one drawing that are looked at, the newest.
const MOST_HANDOVERS: usize = 20_000;

/// The secrets of one project.
pub(super) struct Line {
    /// The root that its documents lead to.
    pub(super) root: Kid,
    project: [u8; 16],
    epoch: u16,
    makers: BTreeMap<Kid, Maker>,
}

/// Who makes marks in a project.
struct Maker {
    handle: Handle,
    node: NodeSecret,
}

/// One recipient of a drawing.
pub(super) struct Suspect {
    key: MarkKey,
    pub(super) place: SlotPlace,
    /// The project, by its number.
    pub(super) line: usize,
    /// The hand-overs of this drawing to it, newest first.
    pub(super) marks: Vec<MarkId>,
}

impl Suspect {
    /// The key of its pattern on this drawing.
    pub(super) fn key(&self) -> &MarkKey {
        &self.key
    }
}

/// Project, giver, depth, and what the secret hangs on: receiver and content.
type Who = (usize, Kid, u8, [u8; 32], [u8; 32]);

/// A recipient whose pattern is there.
pub(super) struct Scored {
    /// Its place among the suspects.
    pub(super) suspect: usize,
    /// Detection statistic.
    pub(super) z: f64,
    /// The bound after everything that was tried.
    pub(super) false_alarm: FalseAlarm,
}

impl Line {
    /// The secrets of a project, as far down as we hold them.
    pub(super) fn of(studio: &Studio, ground: &Ground) -> Result<Self, StudioError> {
        let node = |node: &NodeSecret| NodeSecret::from_bytes(node.as_bytes());
        let us = Maker { handle: studio.party().handle.clone(), node: node(&ground.node) };
        let mut makers = BTreeMap::from([(studio.root(), us)]);
        for Branch { party, handle, node, .. } in studio.below(ground)? {
            makers.entry(party).or_insert(Maker { handle, node });
        }
        Ok(Self { root: ground.root, project: *ground.project.as_bytes(), epoch: ground.epoch, makers })
    }

    fn place(&self, party: Kid, depth: u8, direction: Direction) -> Option<SlotPlace> {
        let maker = self.makers.get(&party)?;
        Some(SlotPlace { party, handle: maker.handle.clone(), depth, direction })
    }
}

/// Everybody whom a drawing was handed to, by us and by those below, as far as hand-overs are filed; `only` limits it to some.
///
/// A hand-over counts if its list of frames commits to the secret that is tested.
pub(super) fn suspects(
    studio: &Studio,
    lines: &[Line],
    (pix, content): (Digest, Option<Digest>),
    only: &dyn Fn(MarkId, Kid) -> bool,
) -> Result<Vec<Suspect>, StudioError> {
    let mut suspects: BTreeMap<Who, Suspect> = BTreeMap::new();
    for (id, row) in studio.registry().handed_over(pix, content, MOST_HANDOVERS)? {
        let mark = id.mark_id();
        let (Some(commitment), Some((handover, _))) =
            (row.record.csc, studio.registry().handover_by_mark(mark)?)
        else {
            continue;
        };
        let Some(name) = studio.closed_name(mark)? else { continue };
        let content = content_digest(&row.record);
        let of = |line: &Line| (&line.project, line.epoch) == (handover.project.as_bytes(), handover.epoch);
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| of(line)) {
            let Some(maker) = line.makers.get(&handover.issuer) else { continue };
            let secret = maker.node.slot(handover.direction, handover.depth).closed(&name, content);
            let place = line.place(handover.issuer, handover.depth, handover.direction);
            let Some(place) = place.filter(|_| secret.short_commitment() == commitment) else { continue };
            if !only(mark, line.root) {
                continue;
            }
            let who = (number, handover.issuer, handover.depth, name, *content.as_bytes());
            let fresh = || Suspect { key: closed_key(&secret), place, line: number, marks: Vec::new() };
            let marks = &mut suspects.entry(who).or_insert_with(fresh).marks;
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        }
    }
    Ok(suspects.into_values().collect())
}

/// The scores of each suspect, in each way that was asked.
pub(super) fn scores(suspects: &[Suspect], evidence: &[Evidence]) -> Vec<[Scores; WAYS]> {
    let of = |suspect: &Suspect| {
        let mut scores = [Scores::default(); WAYS];
        for evidence in evidence {
            scores[evidence.way as usize] = evidence.cells.scores(&suspect.key);
        }
        scores
    };
    suspects.iter().map(of).collect()
}

/// The suspects whose best score is beyond chance, of `tests` that are made on the file in all.
pub(super) fn named(scores: &[[Scores; WAYS]], tests: f64) -> Vec<Scored> {
    let best = |(suspect, scores): (usize, &[Scores; WAYS])| {
        let surest = |a: &&Scores, b: &&Scores| a.best().1.total_cmp(&b.best().1);
        let best = scores.iter().max_by(surest)?;
        let false_alarm = best.false_alarm().over(tests * WAYS as f64);
        Some(Scored { suspect, z: best.best().1, false_alarm })
    };
    let all = scores.iter().enumerate().filter_map(best);
    all.filter(|scored| scored.false_alarm.log10() <= tiermark_mark::ATTRIBUTION).collect()
}
